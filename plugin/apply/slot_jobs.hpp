// SPDX-License-Identifier: Apache-2.0
//
// Slots that the servers move themselves, atomically: jobs are begun, watched and ended here. A job
// goes on when who began it is gone: finish_jobs.hpp.
// https://valkey.io/topics/atomic-slot-migration/
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/move_view.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// Has the servers move `moves`, in parts, no node in two at once, and says how far they are. A
/// part that fails is begun again only once every node says that its slots are still at the source.
/// When it ends early its jobs are cancelled, which leaves those slots where they were; where a
/// job could not be reached it says so. Requires: no other job runs.
/// Errors: conflict (a node refused, or gave up: its own words), unreachable, timeout, cancelled.
Status run_slot_jobs(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct);

}  // namespace kredis::plugin
