// SPDX-License-Identifier: Apache-2.0
//
// What `rebalance` and `reshard` ask for, as moves of slots between the masters that are there.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared/core/plans/plan_slots.hpp"

namespace kredis::core {

/// Masters are named by their pods, or by the start of a node's id (eight digits at least).
struct RebalanceWish {
  std::vector<std::pair<std::string, double>> weights = {};  ///< Of those not named: 1.
  int threshold_percent = 2;  ///< Nothing moves while each has its share within this.
};

/// The moves that give each master its share of the slots, or of what they weigh (a number for each
/// slot of the cluster; empty: all the same). Empty where that is so already.
/// Errors: as holders_of, moves_to_shares and check_moves; not_found (no master of that name).
Result<std::vector<MoveSlots>> plan_rebalance(const ClusterView& view,
                                              const RebalanceWish& wish,
                                              const std::vector<double>& weighs);

struct ReshardWish {
  std::vector<std::string> from = {};  ///< Empty: all that do not take.
  std::vector<std::string> to = {};
  std::uint32_t count = 0;  ///< How many, where `slots` is empty.
  SlotSet slots = {};       ///< Which. What has arrived already is passed over.
};

/// Errors: as holders_of, moves_between and check_moves; not_found (no master of that name),
/// invalid_argument (a master gives and takes).
Result<std::vector<MoveSlots>> plan_reshard(const ClusterView& view, const ReshardWish& wish);

/// Whether `moves` may be made. A master that gives its last slot becomes a replica of who takes it
/// where its server is not told otherwise: then it has another place, its own replicas with it, and
/// that is for scale to plan. Errors: unsafe (that; or as check_memory).
Status check_moves(const ClusterView& view, const std::vector<MoveSlots>& moves);

}  // namespace kredis::core
