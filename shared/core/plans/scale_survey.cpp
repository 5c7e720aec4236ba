// SPDX-License-Identifier: Apache-2.0
//
// What a change of shape finds, and what it does not touch.
#include <algorithm>

#include "shared/core/plans/scale_model.hpp"

namespace kredis::core {
namespace {

/// One that knows nobody serves nobody, though it may have loaded slots with the data on its
/// volume.
bool serves(const Member& member) {
  return member.self() != nullptr && !member.self()->slots.empty() &&
         member.view->nodes().size() > 1;
}

/// The masters of slots, one for each view that differs: what they know, all of them know.
std::vector<const Member*> differing_masters(const ClusterView& view) {
  std::set<std::uint64_t> seen;
  std::vector<const Member*> masters;
  for (const Member& member : view.members) {
    if (serves(member) && seen.insert(member.view->signature()).second) {
      masters.push_back(&member);
    }
  }
  return masters;
}

/// The ids that the masters of slots know as nodes.
std::set<NodeId> known_ids(const ClusterView& view) {
  std::set<NodeId> ids;
  for (const Member* member : differing_masters(view)) {
    for (const Node& node : member->view->nodes()) {
      if (!node.flags.handshake) {
        ids.insert(node.id);
      }
    }
  }
  return ids;
}

Status check_one_cluster(const ClusterView& view) {
  for (const Member* viewer : differing_masters(view)) {
    for (const Member& other : view.members) {
      if (serves(other) && viewer->view->find(other.self()->id) == nullptr) {
        return Error::conflict(viewer->pod.name + " and " + other.pod.name +
                               " both serve slots and do not know each other")
            .with_hint("see whose they are: " + status_command(view));
      }
    }
  }
  return {};
}

/// A pod that joins must be as new: what its volume brings along is somebody's.
Status check_new(const ClusterView& view, const Member& member, const std::set<NodeId>& known) {
  const bool strangers = std::ranges::any_of(member.view->nodes(), [&](const Node& node) {
    return !node.flags.handshake && !node.flags.myself && !known.contains(node.id);
  });
  const std::int64_t keys = member.server ? member.server->keys : 0;
  if (!strangers && keys == 0 && member.self()->slots.empty()) {
    return {};
  }
  return Error::conflict("pod " + member.pod.name + " came up with " +
                         (keys > 0 ? std::to_string(keys) + " keys" : "the nodes") +
                         " of another life or another cluster on its volume")
      .with_hint("save what is wanted of it; then empty it: " +
                 redis_command(view, "node reset --pod " + member.pod.name));
}

/// Every slot has a master that is there. Errors: unsafe.
Status check_covered(const ClusterView& view, const std::vector<ScaleNode>& nodes) {
  SlotSet missing = SlotSet::all();
  for (const ScaleNode& node : nodes) {
    missing.erase(node.self->slots);
  }
  const auto failed = std::ranges::find_if(nodes, [](const ScaleNode& node) {
    const Member& member = *node.member;
    return node.known && !serves_nobody(member) && member.cluster && !member.cluster->state_ok;
  });
  if (missing.empty() && failed == nodes.end()) {
    return {};
  }
  const std::string what =
      missing.empty() ? failed->member->pod.name + " sees the cluster as failed"
                      : std::to_string(missing.size()) + " slots have no master that is there";
  return Error::unsafe("cluster " + view.name + " is not well: " + what)
      .with_hint("mend it first; see what ails it: " + status_command(view));
}

}  // namespace

Result<std::vector<ScaleNode>> survey_for_scale(const ClusterView& view, const ScaleWish& wish) {
  const std::set<NodeId> known = known_ids(view);
  std::vector<ScaleNode> nodes;
  KREDIS_CHECK(check_one_cluster(view));
  for (const Member& member : view.members) {
    ScaleNode node{.member = &member, .self = member.self()};
    node.leaving = wish.leaving.contains(member.pod.name);
    if (node.self == nullptr || (member.server && member.server->loading)) {
      if (node.leaving && member.pod.ending) {
        continue;
      }
      return Error::unreachable("pod " + member.pod.name +
                                (node.self == nullptr ? " does not answer" : " loads its data"))
          .with_hint("see why, and run the same command again when it does: " +
                     status_command(view));
    }
    // One that was reset to be a master is known, and knows nobody.
    node.known = known.contains(node.self->id) && member.view->nodes().size() > 1;
    if (node.leaving && !node.known && member.view->nodes().size() == 1) {
      continue;  // It has left already.
    }
    if (!node.leaving && !node.known) {
      KREDIS_CHECK(check_new(view, member, known));
    }
    nodes.push_back(node);
  }
  for (ScaleNode& node : nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (node.self->role == Role::replica && node.self->master == nodes[i].self->id) {
        node.replica_of = i;
      }
    }
  }
  KREDIS_CHECK(check_covered(view, nodes));
  return nodes;
}

}  // namespace kredis::core
