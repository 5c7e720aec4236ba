// SPDX-License-Identifier: Apache-2.0
#include "shared/core/placement/placement_problem.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace kredis::core {
namespace {

/// Names of places as numbers. What is unknown cannot be known to be shared, so a pod on no known
/// node is on one of its own, and a node in no known zone is a zone of its own.
class Places {
  using Name = std::pair<int, std::string>;  // -1 and a name, or an ordinal.

 public:
  explicit Places(const std::vector<Candidate>& candidates) {
    std::set<Name> zones;
    for (const Candidate& candidate : candidates) {
      if (!candidate.domain.node.empty() && !candidate.domain.zone.empty()) {
        zone_of_node_.try_emplace(candidate.domain.node, candidate.domain.zone);
      }
    }
    for (const Candidate& candidate : candidates) {
      zones.insert(zone_name(candidate));
    }
    one_zone_ = zones.size() <= 1;
  }

  int node(const Candidate& candidate) { return number(nodes_, node_name(candidate)); }

  /// A zone that holds everything tells nothing apart; then each node counts as a zone.
  int zone(const Candidate& candidate) {
    return number(zones_, one_zone_ ? node_name(candidate) : zone_name(candidate));
  }

 private:
  static int number(std::map<Name, int>& numbers, const Name& name) {
    return numbers.try_emplace(name, static_cast<int>(numbers.size())).first->second;
  }
  static Name node_name(const Candidate& candidate) {
    const std::string& node = candidate.domain.node;
    return node.empty() ? Name{candidate.ordinal, ""} : Name{-1, node};
  }
  Name zone_name(const Candidate& candidate) const {
    const auto [ordinal, node] = node_name(candidate);
    const auto known = zone_of_node_.find(node);
    const std::string& zone = known != zone_of_node_.end() ? known->second : candidate.domain.zone;
    return zone.empty() ? Name{ordinal, "node " + node} : Name{-1, "zone " + zone};
  }

  std::map<std::string, std::string> zone_of_node_;
  std::map<Name, int> nodes_;
  std::map<Name, int> zones_;
  bool one_zone_ = false;
};

}  // namespace

bool PlacementProblem::zones_separate() const {
  return std::all_of(
      zones.begin(), zones.end(), [this](const ZonePlace& zone) { return zone.pods <= masters; });
}

bool PlacementProblem::apartness_is_free() const {
  const bool at_most_pairs = share == 0 || (share == 1 && leftover == 0);
  return at_most_pairs || zones_separate();
}

PlacementProblem number_places(const std::vector<Candidate>& candidates, int masters) {
  PlacementProblem problem;
  problem.masters = masters;
  problem.replicas = static_cast<int>(candidates.size()) - masters;
  problem.share = problem.replicas / masters;
  problem.leftover = problem.replicas % masters;
  problem.most = problem.share + (problem.leftover > 0 ? 1 : 0);
  std::map<int, int> by_ordinal;
  for (const Candidate& candidate : candidates) {
    by_ordinal.try_emplace(candidate.ordinal, static_cast<int>(by_ordinal.size()));
  }
  Places places(candidates);
  for (const Candidate& candidate : candidates) {
    const std::size_t node = PlacementProblem::index(places.node(candidate));
    const std::size_t zone = PlacementProblem::index(places.zone(candidate));
    problem.nodes.resize(std::max(problem.nodes.size(), node + 1));
    problem.zones.resize(std::max(problem.zones.size(), zone + 1));
    if (problem.nodes[node].pods.empty()) {
      problem.nodes[node].zone = static_cast<int>(zone);
      problem.zones[zone].nodes.push_back(static_cast<int>(node));
    }
    problem.nodes[node].pods.push_back(static_cast<int>(problem.pods.size()));
    ++problem.zones[zone].pods;
    PlacementProblem::Pod pod{.node = static_cast<int>(node), .was_master = candidate.is_master};
    if (!pod.was_master && candidate.replica_of) {
      const auto master = by_ordinal.find(*candidate.replica_of);
      pod.was_replica_of = master == by_ordinal.end() ? -1 : master->second;
    }
    pod.has_role = pod.was_master || pod.was_replica_of >= 0;
    problem.has_roles = problem.has_roles || pod.has_role;
    problem.pods.push_back(pod);
  }
  return problem;
}

}  // namespace kredis::core
