// SPDX-License-Identifier: Apache-2.0
//
// The planners behind plan_fix, one for each kind of trouble. Internal to the core.
#pragma once

#include <string>
#include <utility>

#include "shared/core/plans/plan_fix.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {

/// What a planner reads, and where it writes.
struct Fixing {
  const ClusterView& view;
  const KeyCounts& keys;
  const FixWish& wish;
  std::string finding = {};  ///< The one that is planned for.
  FixPlan plan = {};

  std::int64_t keys_on(std::uint32_t slot, const Member& member) const;
  /// Whether what is lost for good was named: by slots, all of which are meant, or by node.
  bool accepts_loss(const SlotSet& slots) const;
  bool accepts_loss(const NodeId& node) const;
  void refuse(Error why);
  void add(Stage stage);
  /// Its stages, or its error as a refusal.
  void add(const Result<Plan>& part);
};

/// "pod shop-0 does not answer, and WHAT", with what shows why.
Error unseen_error(const UnseenPods& unseen, const std::string& what);

// plan_fix_slots.cpp
void fix_open_slots(Fixing& fixing);
/// Keys of slots that are not their node's, and not marked.
void fix_stray_keys(Fixing& fixing);
/// Slots with two owners, and maps that name another owner than the one that says so itself.
void fix_owners(Fixing& fixing);

// plan_fix_lost.cpp
/// Slots that nobody owns, though somebody's map may name one.
void fix_ownerless(Fixing& fixing);
void fix_failed_owners(Fixing& fixing);
void fix_majority(Fixing& fixing);

// plan_fix_members.cpp
void fix_addresses(Fixing& fixing);
void fix_strays(Fixing& fixing);
void fix_twins(Fixing& fixing);
/// Replicas of a replica, of nobody, or of a master that is gone.
void fix_astray(Fixing& fixing);
/// Pods that have no place, or a wrong one, and nodes that are gone.
void fix_places(Fixing& fixing);
void fix_replica_links(Fixing& fixing);
void fix_no_failover(Fixing& fixing);
void fix_masterauth(Fixing& fixing);
void fix_replica_counts(Fixing& fixing);
void fix_spread(Fixing& fixing);

}  // namespace kredis::core
