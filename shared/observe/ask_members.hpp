// SPDX-License-Identifier: Apache-2.0
//
// What every Redis node of a cluster says, joined to its pod. Reading only.
#pragma once

#include "shared/core/cluster_view.hpp"
#include "shared/observe/switchboard.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::observe {

/// How much to ask: everything for a screen or a plan; the topology alone while waiting for it.
enum class Ask { everything, topology };

/// Asks all members at once, with one pipeline each, and fills in their views; with everything, one
/// more for the moves of slots that servers run themselves, of those that can. A member that does
/// not answer gets `trouble` and keeps nothing of what it said before.
/// Requires: the switchboard was made of `targets_of(view)`.
void ask_members(Switchboard& switchboard,
                 core::ClusterView& view,
                 Ask ask,
                 ports::Deadline deadline);

}  // namespace kredis::observe
