// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/placement_brute_force.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace kredis::core::testing {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

/// The masters, then the first replica of every master, then the second ones, and so on. A missing
/// one comes after any.
std::vector<int> reading_order(const Roles& roles, int masters) {
  std::vector<int> order;
  std::map<int, std::vector<int>> replicas;
  for (int pod = 0; pod < static_cast<int>(roles.size()); ++pod) {
    if (roles[index(pod)] == pod) {
      order.push_back(pod);
    } else {
      replicas[roles[index(pod)]].push_back(pod);
    }
  }
  for (std::size_t round = 0; round < roles.size(); ++round) {
    for (int shard = 0; shard < masters; ++shard) {
      const std::vector<int>& own = replicas[order[index(shard)]];
      order.push_back(round < own.size() ? own[round] : static_cast<int>(roles.size()));
    }
  }
  return order;
}

void complete(Roles& roles, int pod, std::vector<int>& load, int most, std::vector<Roles>& found) {
  const auto pods = static_cast<int>(roles.size());
  while (pod < pods && roles[index(pod)] == pod) {
    ++pod;
  }
  if (pod == pods) {
    // Even: no master is two short of the most.
    bool even = true;
    for (int i = 0; i < pods; ++i) {
      even = even && (roles[index(i)] != i || load[index(i)] >= most - 1);
    }
    if (even) {
      found.push_back(roles);
    }
    return;
  }
  for (int master = 0; master < pods; ++master) {
    if (roles[index(master)] == master && load[index(master)] < most) {
      roles[index(pod)] = master;
      ++load[index(master)];
      complete(roles, pod + 1, load, most, found);
      --load[index(master)];
      roles[index(pod)] = -1;
    }
  }
}

}  // namespace

int SmallCase::zone_of_pod(int pod) const { return zone_of_node[index(node_of_pod[index(pod)])]; }

std::vector<Candidate> SmallCase::candidates() const {
  std::vector<Candidate> all;
  for (int pod = 0; pod < static_cast<int>(node_of_pod.size()); ++pod) {
    Candidate candidate{.ordinal = pod};
    candidate.domain.node = "node-" + std::to_string(node_of_pod[index(pod)]);
    candidate.domain.zone = "zone-" + std::to_string(zone_of_pod(pod));
    const int master = today.empty() ? -1 : today[index(pod)];
    candidate.is_master = master == pod;
    if (master >= 0 && master != pod) {
      candidate.replica_of = master;
    }
    all.push_back(candidate);
  }
  return all;
}

Score score_of(const SmallCase& small, const Roles& roles) {
  constexpr int k_places = 8;
  const auto pods = static_cast<int>(roles.size());
  Score score{};
  std::array<int, k_places> on_node{};
  std::array<int, k_places> in_zone{};
  std::array<std::array<int, k_places>, k_places> fellows_on_node{};
  std::array<std::array<int, k_places>, k_places> fellows_in_zone{};
  int masters = 0;
  for (int pod = 0; pod < pods; ++pod) {
    const int master = roles[index(pod)];
    const int node = small.node_of_pod[index(pod)];
    const int zone = small.zone_of_pod(pod);
    const bool changed =
        !small.today.empty() && small.today[index(pod)] >= 0 && small.today[index(pod)] != master;
    score[8] += changed ? 1 : 0;
    if (master == pod) {
      ++masters;
      ++on_node[index(node)];
      ++in_zone[index(zone)];
      continue;
    }
    score[0] += node == small.node_of_pod[index(master)] ? 1 : 0;
    score[1] += zone == small.zone_of_pod(master) ? 1 : 0;
    score[2] += fellows_on_node[index(master)][index(node)]++;
    score[3] += fellows_in_zone[index(master)][index(zone)]++;
  }
  const int limit = (masters - 1) / 2;
  for (int place = 0; place < k_places; ++place) {
    score[4] += std::max(0, on_node[index(place)] - limit);
    score[5] += std::max(0, in_zone[index(place)] - limit);
    score[6] += on_node[index(place)] * on_node[index(place)];
    score[7] += in_zone[index(place)] * in_zone[index(place)];
  }
  return score;
}

std::vector<Roles> all_placements(int pods, int masters) {
  std::vector<Roles> found;
  const int most = (pods - 1) / masters;  // Rounded up: (pods - masters) / masters.
  for (unsigned chosen = 0; chosen < (1U << pods); ++chosen) {
    if (__builtin_popcount(chosen) != masters) {
      continue;
    }
    Roles roles(index(pods), -1);
    for (int pod = 0; pod < pods; ++pod) {
      roles[index(pod)] = (chosen >> pod & 1U) != 0 ? pod : -1;
    }
    std::vector<int> load(index(pods));
    complete(roles, 0, load, most, found);
  }
  std::sort(found.begin(), found.end(), [masters](const Roles& left, const Roles& right) {
    return reading_order(left, masters) < reading_order(right, masters);
  });
  return found;
}

Roles best_of(const SmallCase& small, const std::vector<Roles>& placements) {
  std::size_t best = 0;
  Score least = score_of(small, placements.at(0));
  for (std::size_t i = 1; i < placements.size(); ++i) {
    const Score score = score_of(small, placements[i]);
    if (score < least) {
      best = i;
      least = score;
    }
  }
  return placements[best];
}

Roles roles_of(const Placement& placement, int pods) {
  Roles roles(index(pods), -1);
  for (const Placement::Shard& shard : placement.shards) {
    roles[index(shard.master)] = shard.master;
    for (const int replica : shard.replicas) {
      roles[index(replica)] = shard.master;
    }
  }
  return roles;
}

std::vector<std::vector<int>> all_partitions(int count, int boxes) {
  std::vector<std::vector<int>> all{{}};
  for (int thing = 0; thing < count; ++thing) {
    std::vector<std::vector<int>> longer;
    for (const std::vector<int>& partition : all) {
      const int used =
          partition.empty() ? 0 : *std::max_element(partition.begin(), partition.end()) + 1;
      for (int box = 0; box < std::min(used + 1, boxes); ++box) {
        longer.push_back(partition);
        longer.back().push_back(box);
      }
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace kredis::core::testing
