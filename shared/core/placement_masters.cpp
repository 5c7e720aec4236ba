// SPDX-License-Identifier: Apache-2.0
//
// Each criterion here is a sum of convex functions, one of each node's count and one of each
// zone's, and zones nest nodes. For such sums giving masters out one at a time, each where it costs
// least now, ends at the minimum, and all minima are linked by moving one master at a time.
#include "shared/core/placement_masters.hpp"

#include <algorithm>
#include <optional>

namespace kredis::core {
namespace {

using Cost = MasterCounts::Cost;

struct LeastCosts {
  std::int64_t with_master;  ///< Replicas that must share the place with their own master.
  std::int64_t pairs;        ///< Pairs of one master's replicas that must share it.
  std::int64_t majority;     ///< Masters above the quorum limit.
  std::int64_t square;
};

/// What a place with `pods` pods costs at least when `masters` of them are masters.
LeastCosts least_costs(const PlacementProblem& problem, int pods, int masters) {
  const int elsewhere = problem.masters - masters;
  const int replicas = pods - masters;
  const int wanted = problem.share * masters + std::max(0, problem.leftover - elsewhere);
  LeastCosts least{};
  // Replicas wanted here by masters from here, beyond what the other places hold.
  least.with_master = std::max(0, wanted + replicas - problem.replicas);
  // Dealt evenly to the masters elsewhere, the k-th replica of one master makes k - 1 pairs.
  for (int others = 1; others < problem.most; ++others) {
    least.pairs += std::max(0, replicas - others * elsewhere);
  }
  least.majority = std::max(0, masters - problem.quorum_limit());
  least.square = std::int64_t{masters} * masters;
  return least;
}

Cost node_cost(const PlacementProblem& problem, int node, int masters) {
  const auto pods = problem.nodes[PlacementProblem::index(node)].pods.size();
  const LeastCosts least = least_costs(problem, static_cast<int>(pods), masters);
  return {{least.with_master, 0, least.pairs, 0, least.majority, 0, least.square, 0}};
}

Cost zone_cost(const PlacementProblem& problem, int zone, int masters) {
  const int pods = problem.zones[PlacementProblem::index(zone)].pods;
  const LeastCosts least = least_costs(problem, pods, masters);
  return {{0, least.with_master, 0, least.pairs, 0, least.majority, 0, least.square}};
}

}  // namespace

Cost MasterCounts::cost_of(const PlacementProblem& problem, const std::vector<int>& per_node) {
  Cost cost;
  std::vector<int> per_zone(problem.zones.size());
  for (int node = 0; node < static_cast<int>(per_node.size()); ++node) {
    cost += node_cost(problem, node, per_node[index(node)]);
    per_zone[index(problem.nodes[index(node)].zone)] += per_node[index(node)];
  }
  for (int zone = 0; zone < static_cast<int>(per_zone.size()); ++zone) {
    cost += zone_cost(problem, zone, per_zone[index(zone)]);
  }
  return cost;
}

MasterCounts::MasterCounts(const PlacementProblem& problem)
    : problem_(problem),
      on_node_(problem.nodes.size()),
      in_zone_(problem.zones.size()),
      claimed_(problem.nodes.size()) {
  for (int given = 0; given < problem.masters; ++given) {
    std::optional<Cost> least;
    int cheapest = 0;
    for (int node = 0; node < static_cast<int>(problem.nodes.size()); ++node) {
      const int zone = problem.nodes[index(node)].zone;
      const int here = on_node_[index(node)];
      const int around = in_zone_[index(zone)];
      if (here == static_cast<int>(problem.nodes[index(node)].pods.size())) {
        continue;
      }
      const Cost cost = node_cost(problem, node, here + 1) - node_cost(problem, node, here) +
                        zone_cost(problem, zone, around + 1) - zone_cost(problem, zone, around);
      if (!least || cost < *least) {
        least = cost;
        cheapest = node;
      }
    }
    ++on_node_[index(cheapest)];
    ++in_zone_[index(problem.nodes[index(cheapest)].zone)];
  }
}

Cost MasterCounts::cost_of_moving(int from, int to) const {
  const int from_zone = problem_.nodes[index(from)].zone;
  const int to_zone = problem_.nodes[index(to)].zone;
  const int here = on_node_[index(from)];
  const int there = on_node_[index(to)];
  Cost cost = node_cost(problem_, from, here - 1) - node_cost(problem_, from, here) +
              node_cost(problem_, to, there + 1) - node_cost(problem_, to, there);
  if (from_zone != to_zone) {
    const int around_from = in_zone_[index(from_zone)];
    const int around_to = in_zone_[index(to_zone)];
    cost += zone_cost(problem_, from_zone, around_from - 1);
    cost -= zone_cost(problem_, from_zone, around_from);
    cost += zone_cost(problem_, to_zone, around_to + 1);
    cost -= zone_cost(problem_, to_zone, around_to);
  }
  return cost;
}

bool MasterCounts::claim(int node) {
  const auto room = static_cast<int>(problem_.nodes[index(node)].pods.size());
  if (claimed_[index(node)] == on_node_[index(node)]) {
    if (on_node_[index(node)] == room) {
      return false;
    }
    int donor = 0;
    const auto nodes = static_cast<int>(problem_.nodes.size());
    while (donor < nodes && (donor == node || on_node_[index(donor)] == claimed_[index(donor)] ||
                             cost_of_moving(donor, node) != Cost{})) {
      ++donor;
    }
    if (donor == nodes) {
      return false;
    }
    --on_node_[index(donor)];
    ++on_node_[index(node)];
    --in_zone_[index(problem_.nodes[index(donor)].zone)];
    ++in_zone_[index(problem_.nodes[index(node)].zone)];
  }
  ++claimed_[index(node)];
  return true;
}

}  // namespace kredis::core
