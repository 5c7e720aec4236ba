// SPDX-License-Identifier: Apache-2.0
//
// Only what is there now can be lost: a slot that no node serves today is in no domain's losses,
// and a master that failed already does not vote.
#include "shared/core/findings/survival.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace kredis::core {
namespace {

using Losses = std::map<std::string, Loss>;
/// The name of a pod's place of one kind; empty where unknown.
using PlaceOf = std::function<const std::string&(const Pod&)>;

/// Whether it can take its master's place with what it has.
bool is_copy(const SeenNode& replica) {
  const NodeFlags& flags = replica.node->flags;
  const Node* self = replica.member == nullptr ? nullptr : replica.member->self();
  if (flags.fail || flags.pfail || flags.nofailover || self == nullptr || !replica.member->server) {
    return false;
  }
  return self->master == replica.node->master && !self->flags.nofailover &&
         replica.member->server->role == Role::replica && replica.member->server->master_link_up;
}

std::vector<SeenNode> copies_of(const ShardView& shard) {
  std::vector<SeenNode> copies;
  if (is_there(shard.master)) {
    copies.push_back(shard.master);
  }
  std::ranges::copy_if(shard.replicas, std::back_inserter(copies), is_copy);
  return copies;
}

/// The one place that holds all copies; null when they are in several or in an unknown one.
const std::string* only_place(const std::vector<SeenNode>& copies, const PlaceOf& place_of) {
  const std::string* only = nullptr;
  for (const SeenNode& copy : copies) {
    if (copy.member == nullptr) {
      return nullptr;
    }
    const std::string& place = place_of(copy.member->pod);
    if (place.empty() || (only != nullptr && *only != place)) {
      return nullptr;
    }
    only = &place;
  }
  return only;
}

Losses losses_by(const ClusterView& view,
                 const std::vector<ShardView>& shards,
                 const PlaceOf& place_of) {
  Losses losses;
  for (const Member& member : view.members) {
    if (!place_of(member.pod).empty()) {
      losses.try_emplace(place_of(member.pod));
    }
  }
  std::uint32_t voters = 0;
  std::uint32_t voters_left = 0;
  for (const ShardView& shard : shards) {
    const SeenNode& master = shard.master;
    if (master.node->slots.empty()) {
      continue;
    }
    ++voters;
    if (is_there(master)) {
      ++voters_left;
      if (master.member != nullptr && !place_of(master.member->pod).empty()) {
        ++losses[place_of(master.member->pod)].masters;
      }
    }
    if (const std::string* place = only_place(copies_of(shard), place_of)) {
      losses[*place].slots.insert(master.node->slots);
    }
  }
  for (const SeenNode& stray : strays_of(view)) {
    if (const std::string& place = place_of(stray.member->pod); !place.empty()) {
      losses[place].slots.insert(stray.node->slots);
    }
  }
  for (auto& [place, loss] : losses) {
    loss.majority_gone = voters > 0 && 2 * (voters_left - loss.masters) <= voters;
  }
  return losses;
}

}  // namespace

Survival survival_of(const ClusterView& view) {
  const std::vector<ShardView> shards = shards_of(view);
  const auto node = [](const Pod& pod) -> const std::string& { return pod.domain.node; };
  const auto zone = [](const Pod& pod) -> const std::string& { return pod.domain.zone; };
  const auto name = [](const Pod& pod) -> const std::string& { return pod.name; };
  return {.nodes = losses_by(view, shards, node),
          .zones = losses_by(view, shards, zone),
          .pods = losses_by(view, shards, name)};
}

Loss loss_of(const ClusterView& view,
             const std::set<std::string>& leaving,
             const std::set<std::string>& gone) {
  const auto is_in = [](const std::set<std::string>& pods, const SeenNode& node) {
    return node.member != nullptr && pods.contains(node.member->pod.name);
  };
  Loss loss;
  std::uint32_t voters = 0;
  std::uint32_t voting = 0;
  for (const ShardView& shard : shards_of(view)) {
    if (shard.master.node->slots.empty()) {
      continue;
    }
    ++voters;
    std::vector<SeenNode> copies = copies_of(shard);
    std::erase_if(copies, [&](const SeenNode& each) { return is_in(gone, each); });
    const bool had_some = !copies.empty();
    std::erase_if(copies, [&](const SeenNode& each) { return is_in(leaving, each); });
    if (had_some && copies.empty()) {
      loss.slots.insert(shard.master.node->slots);
    }
    if (is_there(shard.master) && !is_in(gone, shard.master)) {
      ++voting;
      loss.masters += is_in(leaving, shard.master) ? 1U : 0U;
    }
  }
  for (const SeenNode& stray : strays_of(view)) {
    if (is_in(leaving, stray) && !is_in(gone, stray)) {
      loss.slots.insert(stray.node->slots);
    }
  }
  loss.majority_gone = 2 * voting > voters && 2 * (voting - loss.masters) <= voters;
  return loss;
}

}  // namespace kredis::core
