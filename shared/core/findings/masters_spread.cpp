// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/masters_spread.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace kredis::core {
namespace {

using Loads = std::map<std::string, int>;

/// Who is master of which shard, as it is decided so far.
using Masters = std::vector<const Member*>;

int squares(const Loads& loads) {
  int sum = 0;
  for (const auto& [place, load] : loads) {
    sum += place.empty() ? 0 : load * load;
  }
  return sum;
}

Loads loads_by(const Masters& masters, std::string FailureDomain::*place) {
  Loads loads;
  for (const Member* master : masters) {
    if (master != nullptr) {
      ++loads[master->pod.domain.*place];
    }
  }
  return loads;
}

/// The lower the better.
std::pair<int, int> crowding(const Masters& masters) {
  return {squares(loads_by(masters, &FailureDomain::node)),
          squares(loads_by(masters, &FailureDomain::zone))};
}

bool may_take_over(const SeenNode& replica) {
  const Member* member = replica.member;
  return member != nullptr && member->self() != nullptr && member->server &&
         !member->server->loading && member->server->master_link_up && !replica.node->flags.fail &&
         !replica.node->flags.pfail && !replica.node->flags.nofailover;
}

Masters masters_of(const std::vector<ShardView>& shards) {
  Masters masters;
  for (const ShardView& shard : shards) {
    masters.push_back(shard.master.node->slots.empty() ? nullptr : shard.master.member);
  }
  return masters;
}

/// Moves one master where that helps most; false where none does.
bool move_one(const std::vector<ShardView>& shards, Masters& masters) {
  auto least = crowding(masters);
  std::size_t at = shards.size();
  const Member* next = nullptr;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const bool stays = masters[i] == nullptr || masters[i] != shards[i].master.member;
    for (const SeenNode& replica : shards[i].replicas) {
      if (stays || !may_take_over(replica)) {
        continue;
      }
      Masters tried = masters;
      tried[i] = replica.member;
      if (const auto crowded = crowding(tried); crowded < least) {
        least = crowded;
        at = i;
        next = replica.member;
      }
    }
  }
  if (next != nullptr) {
    masters[at] = next;
  }
  return next != nullptr;
}

int fullest(const Masters& masters) {
  int most = 0;
  for (const auto& [node, load] : loads_by(masters, &FailureDomain::node)) {
    most = node.empty() ? most : std::max(most, load);
  }
  return most;
}

}  // namespace

std::vector<BetterMaster> better_masters(const std::vector<ShardView>& shards) {
  Masters masters = masters_of(shards);
  while (move_one(shards, masters)) {
  }
  std::vector<BetterMaster> better;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (masters[i] != nullptr && masters[i] != shards[i].master.member) {
      better.push_back({.shard = &shards[i], .replica = masters[i]});
    }
  }
  return better;
}

int piled_up(const std::vector<ShardView>& shards) {
  Masters masters = masters_of(shards);
  const int now = fullest(masters);
  while (move_one(shards, masters)) {
  }
  return now - fullest(masters);
}

}  // namespace kredis::core
