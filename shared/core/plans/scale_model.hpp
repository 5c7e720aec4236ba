// SPDX-License-Identifier: Apache-2.0
//
// What plan_scale knows of each node, and who is to be what. Internal to the core; the stages are
// made of it in plan_scale.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "shared/core/plans/plan_scale.hpp"

namespace kredis::core {

/// One node that counts: one that stays, or that leaves and is still known.
struct ScaleNode {
  const Member* member = nullptr;
  const Node* self = nullptr;
  bool leaving = false;
  bool known = false;                          ///< The nodes that serve know it.
  std::optional<std::size_t> replica_of = {};  ///< Its master among the nodes.

  bool has_slots() const { return !self->slots.empty(); }
};

/// The slots of one master, and who is to have them.
struct ScaleShard {
  std::size_t master = 0;
  std::size_t heir = 0;    ///< The master itself where it stays.
  bool dissolved = false;  ///< Its slots go to the others.
};

struct ScaleModel {
  std::vector<ScaleNode> nodes = {};
  std::vector<ScaleShard> shards = {};
  std::vector<std::size_t> newcomers = {};            ///< Masters to be, without slots yet.
  std::map<std::size_t, std::size_t> master_of = {};  ///< Replica -> who is master in the end.
};

/// A master that has no slots, as one that has just come: for some seconds it takes the cluster for
/// failed, which is no matter to anybody. Requires: it answers.
inline bool serves_nobody(const Member& member) {
  return member.self()->role == Role::master && member.self()->slots.empty();
}

/// The nodes as they are. Errors: unreachable, conflict, unsafe; as check_scale says.
Result<std::vector<ScaleNode>> survey_for_scale(const ClusterView& view, const ScaleWish& wish);

/// Who is to be what, with the fewest slots moved and the fewest copies made anew.
/// Errors: invalid_argument (the pods that stay are too few).
Result<ScaleModel> roles_for_scale(const ClusterView& view, const ScaleWish& wish);

}  // namespace kredis::core
