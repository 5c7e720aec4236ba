// SPDX-License-Identifier: Apache-2.0
//
// What plan_init must know of each member before it may plan, and what makes it refuse.
// Internal to the core; the planner itself is plan_init.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// What one member is today, as it says itself.
struct InitMember {
  const Member* member = nullptr;
  const Node* self = nullptr;
  /// Index of its master among the members, when it is a replica that stays one.
  std::optional<std::size_t> replica_of = {};
  /// Holds slots or is replicated by a member: it stays a master.
  bool anchor = false;
};

/// Looks at every member, in the order of `view.members`.
/// Errors: unreachable (a member did not answer or still loads its data), unsafe (keys outside the
/// cluster, another cluster's node, a slot with two owners, an open slot, one id on two pods).
Result<std::vector<InitMember>> survey_for_init(const ClusterView& view);

}  // namespace kredis::core
