// SPDX-License-Identifier: Apache-2.0
//
// Each criterion here is a sum of convex functions, one of each node's count and one of each
// zone's, and zones nest nodes. For such sums giving masters out one at a time, each where it costs
// least now, ends at the minimum, and all minima are linked by moving one master at a time.
#include "shared/core/placement/placement_masters.hpp"

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
      claimed_(problem.nodes.size()),
      node_steps_(problem.nodes.size()),
      zone_steps_(problem.zones.size()) {
  for (int node = 0; node < static_cast<int>(problem.nodes.size()); ++node) {
    add(node, 0);
  }
  for (int given = 0; given < problem.masters; ++given) {
    std::optional<Cost> least;
    int cheapest = 0;
    for (int node = 0; node < static_cast<int>(problem.nodes.size()); ++node) {
      if (!has_room(node)) {
        continue;
      }
      const int zone = problem.nodes[index(node)].zone;
      const Cost cost = node_steps_[index(node)].up + zone_steps_[index(zone)].up;
      if (!least || cost < *least) {
        least = cost;
        cheapest = node;
      }
    }
    add(cheapest, 1);
  }
}

void MasterCounts::add(int node, int masters) {
  const int zone = problem_.nodes[index(node)].zone;
  const int here = on_node_[index(node)] += masters;
  const int around = in_zone_[index(zone)] += masters;
  const Cost node_now = node_cost(problem_, node, here);
  const Cost zone_now = zone_cost(problem_, zone, around);
  node_steps_[index(node)] = {node_cost(problem_, node, here + 1) - node_now,
                              node_now - node_cost(problem_, node, here - 1)};
  zone_steps_[index(zone)] = {zone_cost(problem_, zone, around + 1) - zone_now,
                              zone_now - zone_cost(problem_, zone, around - 1)};
}

bool MasterCounts::has_room(int node) const {
  return on_node_[index(node)] < static_cast<int>(problem_.nodes[index(node)].pods.size());
}

bool MasterCounts::moves_for_free(int from, int to) const {
  const int from_zone = problem_.nodes[index(from)].zone;
  const int to_zone = problem_.nodes[index(to)].zone;
  Cost cost = node_steps_[index(to)].up - node_steps_[index(from)].last;
  if (from_zone != to_zone) {
    cost += zone_steps_[index(to_zone)].up - zone_steps_[index(from_zone)].last;
  }
  return cost == Cost{};
}

bool MasterCounts::claim(int node) {
  if (claimed_[index(node)] == on_node_[index(node)]) {
    if (!has_room(node)) {
      return false;
    }
    const auto nodes = static_cast<int>(problem_.nodes.size());
    int donor = 0;
    while (donor < nodes &&
           (on_node_[index(donor)] == claimed_[index(donor)] || !moves_for_free(donor, node))) {
      ++donor;
    }
    if (donor == nodes) {
      return false;
    }
    add(donor, -1);
    add(node, 1);
  }
  ++claimed_[index(node)];
  return true;
}

}  // namespace kredis::core
