// SPDX-License-Identifier: Apache-2.0
//
// The moves behind `rebalance` and `reshard`: what an earlier run left half moved first, then what
// is asked for.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "plugin/operations/slots/weigh_slots.hpp"
#include "shared/core/plans/plan_reshard.hpp"

namespace kredis::plugin {

struct Rebalance {
  core::RebalanceWish wish = {};
  SlotMeasure by = SlotMeasure::slots;
};
using SlotsWish = std::variant<Rebalance, core::ReshardWish>;

/// Moves slots on that are open between two masters, looking again until there are none: what a run
/// that was killed had sent is still carried out after it. Errors: those of the engine.
Status finish_half_moved(Site& site, const Conduct& conduct);

/// What is to move now, as the cluster was seen last. Errors: those of the planners, and of
/// weighing.
Result<std::vector<core::MoveSlots>> plan_moves(observe::Cluster& cluster,
                                                const SlotsWish& wish,
                                                const Conduct& conduct);

/// All of `moves`, each for that reason.
core::Plan plan_of(std::vector<core::MoveSlots> moves, const std::string& reason);

}  // namespace kredis::plugin
