// SPDX-License-Identifier: Apache-2.0
//
// What mends the findings of a cluster, one round at a time: what needs a fresh look at what came
// of it waits for the next round. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

/// The keys of one slot.
struct SlotKeys {
  std::map<std::string, std::int64_t> on = {};  ///< By pod; those that have any.
  /// By pod that does not own the slot: of its keys, how many the owner has with another value.
  std::map<std::string, std::int64_t> other_values = {};
};
using KeyCounts = std::map<std::uint32_t, SlotKeys>;

/// The slots whose keys have to be counted on every pod before anybody can tell what mends them:
/// open ones, those with no owner, those with two, and those of stray keys.
SlotSet slots_to_count(const ClusterView& view);

struct FixWish {
  std::vector<std::string> only = {};  ///< Ids of findings; empty: all.
  std::string keep = {};               ///< The pod whose keys are kept where several have some.
  /// What may be lost for good: slots, or the start of the id of a node that had some.
  std::vector<std::string> accept_loss = {};
  bool takeover = false;      ///< Replicas may take over without a vote.
  std::string password = {};  ///< What we log in with ourselves; empty where that is not known.
};

/// A finding that is not mended: why, and what would let it be.
struct Refusal {
  std::string finding;
  Error why;
};

struct FixPlan : Plan {
  std::vector<std::string> findings = {};  ///< Ids of those that the plan is for.
  std::vector<Refusal> refused = {};       ///< Of the findings that were looked at.
};

/// The steps for the findings that come first in the order of mending: who reaches whom, then who
/// owns what, then who copies whom, then who is master where. Empty when there is nothing to do, or
/// nothing that may be done; then all refusals are told. `keys` has what slots_to_count asks for.
FixPlan plan_fix(const ClusterView& view, const KeyCounts& keys, const FixWish& wish);

/// Whether plan_fix has a remedy for findings of that id.
bool is_mendable(std::string_view finding);

}  // namespace kredis::core
