// SPDX-License-Identifier: Apache-2.0
//
// The order of work: how many masters on each node, which pods they are, whose replicas the others
// are. docs/placement.md says what each step guarantees.
#include "shared/core/placement/placement.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "shared/core/placement/min_cost_flow.hpp"
#include "shared/core/placement/placement_masters.hpp"
#include "shared/core/placement/placement_problem.hpp"
#include "shared/core/placement/placement_replicas.hpp"

namespace kredis::core {
namespace {

/// Up to so many sets of masters are all tried; six masters of twelve pods are 924.
constexpr std::int64_t k_most_sets_tried = 1'000;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

/// How many ways there are to choose the masters; stops counting past the limit.
std::int64_t count_master_sets(const PlacementProblem& problem) {
  std::int64_t ways = 1;
  const int fewer = std::min(problem.masters, problem.replicas);
  for (int i = 1; i <= fewer && ways <= k_most_sets_tried; ++i) {
    ways = ways * (static_cast<int>(problem.pods.size()) - fewer + i) / i;
  }
  return ways;
}

/// Advances to the next set in lexical order; false after the last.
bool next_master_set(std::vector<int>& masters, int pods) {
  const auto count = static_cast<int>(masters.size());
  for (int i = count - 1; i >= 0; --i) {
    if (masters[index(i)] < pods - count + i) {
      std::iota(masters.begin() + i, masters.end(), masters[index(i)] + 1);
      return true;
    }
  }
  return false;
}

std::vector<int> count_per_node(const PlacementProblem& problem, const std::vector<int>& masters) {
  std::vector<int> per_node(problem.nodes.size());
  for (const int master : masters) {
    ++per_node[index(problem.pods[index(master)].node)];
  }
  return per_node;
}

/// The price of a set of masters, but for changes: apartness as the flow finds it, then spread.
using SetCost = std::pair<std::array<std::int32_t, 5>, std::array<std::int64_t, 4>>;

SetCost cost_of_set(const PlacementProblem& problem, const std::vector<int>& masters) {
  const auto apart = ReplicaFlow(problem, masters).cost().at;
  const auto counts = MasterCounts::cost_of(problem, count_per_node(problem, masters)).at;
  SetCost cost;
  std::copy_n(apart.begin(), cost.first.size(), cost.first.begin());
  std::copy_n(counts.begin() + 4, cost.second.size(), cost.second.begin());
  return cost;
}

int changes(const PlacementProblem& problem, const std::vector<int>& masters) {
  const auto promoted = std::count_if(masters.begin(), masters.end(), [&](int pod) {
    return problem.pods[index(pod)].has_role && !problem.pods[index(pod)].was_master;
  });
  return static_cast<int>(promoted) + ReplicaFlow(problem, masters).cost().at.back();
}

/// The best set of all, by trying each. Sets that put as many masters on every node cost the same.
std::vector<int> try_all_master_sets(const PlacementProblem& problem) {
  const auto pods = static_cast<int>(problem.pods.size());
  std::vector<int> masters(index(problem.masters));
  std::map<std::vector<int>, SetCost> known;
  std::optional<SetCost> least;
  std::iota(masters.begin(), masters.end(), 0);
  do {
    const auto [entry, is_new] = known.try_emplace(count_per_node(problem, masters));
    if (is_new) {
      entry->second = cost_of_set(problem, masters);
      least = least ? std::min(*least, entry->second) : entry->second;
    }
  } while (next_master_set(masters, pods));

  std::optional<std::pair<int, std::vector<int>>> best;
  std::iota(masters.begin(), masters.end(), 0);
  do {
    if (known.at(count_per_node(problem, masters)) != *least) {
      continue;
    }
    const int changed = changes(problem, masters);
    if (!best || changed < best->first) {
      best.emplace(changed, masters);
    }
  } while (best.value_or(std::pair{1, masters}).first > 0 && next_master_set(masters, pods));
  return best->second;
}

/// The set by counts alone: today's masters first, then pods without a role, then by ordinal.
std::vector<int> claim_masters(const PlacementProblem& problem) {
  std::vector<int> wished(problem.pods.size());
  std::iota(wished.begin(), wished.end(), 0);
  std::stable_sort(wished.begin(), wished.end(), [&](int left, int right) {
    const auto rank = [&](int pod) {
      const PlacementProblem::Pod& here = problem.pods[index(pod)];
      return here.was_master ? 0 : here.has_role ? 2 : 1;
    };
    return rank(left) < rank(right);
  });
  MasterCounts counts(problem);
  std::vector<int> masters;
  for (const int pod : wished) {
    if (static_cast<int>(masters.size()) < problem.masters &&
        counts.claim(problem.pods[index(pod)].node)) {
      masters.push_back(pod);
    }
  }
  std::sort(masters.begin(), masters.end());
  return masters;
}

std::vector<int> choose_masters(const PlacementProblem& problem) {
  const bool counts_decide = problem.apartness_is_free() && !problem.has_roles;
  return counts_decide || count_master_sets(problem) > k_most_sets_tried
             ? claim_masters(problem)
             : try_all_master_sets(problem);
}

Status check(const std::vector<Candidate>& sorted, std::uint32_t masters, std::uint32_t replicas) {
  if (masters == 0) {
    return Error::invalid_argument("a cluster needs at least one master");
  }
  const std::uint64_t needed = std::uint64_t{masters} * (std::uint64_t{1} + replicas);
  if (sorted.size() < needed) {
    return Error::invalid_argument(std::to_string(masters) + " masters with " +
                                   std::to_string(replicas) + " replicas each need " +
                                   std::to_string(needed) + " pods, and there are " +
                                   std::to_string(sorted.size()))
        .with_hint("add pods, or ask for fewer masters or replicas");
  }
  const auto twin = std::adjacent_find(
      sorted.begin(), sorted.end(), [](const Candidate& left, const Candidate& right) {
        return left.ordinal == right.ordinal;
      });
  if (twin != sorted.end()) {
    return Error::invalid_argument("two pods have the ordinal " + std::to_string(twin->ordinal));
  }
  return {};
}

}  // namespace

Result<Placement> place(const std::vector<Candidate>& candidates,
                        std::uint32_t masters,
                        std::uint32_t replicas) {
  std::vector<Candidate> sorted = candidates;
  std::sort(sorted.begin(), sorted.end(), [](const Candidate& left, const Candidate& right) {
    return left.ordinal < right.ordinal;
  });
  KREDIS_CHECK(check(sorted, masters, replicas));
  const PlacementProblem problem = number_places(sorted, static_cast<int>(masters));
  const std::vector<int> chosen = choose_masters(problem);
  const auto served_by = ReplicaFlow(problem, chosen).first_in_order();
  Placement placement;
  for (std::size_t shard = 0; shard < chosen.size(); ++shard) {
    placement.shards.push_back({sorted[index(chosen[shard])].ordinal});
    for (const int pod : served_by[shard]) {
      placement.shards.back().replicas.push_back(sorted[index(pod)].ordinal);
    }
  }
  placement.compromises = compromises_of(placement, sorted);
  return placement;
}

}  // namespace kredis::core
