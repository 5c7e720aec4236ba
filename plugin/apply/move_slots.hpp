// SPDX-License-Identifier: Apache-2.0
//
// Slots with all their keys, from one master to another.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Moves one slot after the other by MIGRATE, as every server version can, and says how far it is.
/// Killed anywhere and run again, it goes on: a slot that is open between these two is finished,
/// one that arrived is passed over. Errors: conflict (a slot is somebody else's, or a node refused:
/// its own words), unreachable, timeout (names who does not show it), cancelled.
Status carry_out(const core::MoveSlots& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
