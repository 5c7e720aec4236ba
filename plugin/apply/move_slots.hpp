// SPDX-License-Identifier: Apache-2.0
//
// Slots with all their keys, from some masters to others.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/move_view.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Carries out all of `steps`, first those by jobs of the servers and then those by MIGRATE, all of
/// a kind at once, and says how far it is. With MIGRATE, what clients wait for is bounded by
/// site.limits. Afterwards every node's map shows it. Killed anywhere and run again, it goes on: a
/// slot that is open between two of them is finished, one that arrived is passed over. Jobs that
/// run already are for finish_running_jobs to wait for before.
/// Errors: conflict (a slot is somebody else's, or a node refused: its own words), unreachable,
/// timeout (names who does not show it), cancelled.
Status carry_out(const Moves& steps, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
