// SPDX-License-Identifier: Apache-2.0
#include "shared/core/placement/placement_replicas.hpp"

#include <algorithm>
#include <utility>

namespace kredis::core {
namespace {

using FlowCost = ReplicaFlow::Cost;

constexpr FlowCost k_free = {};
constexpr FlowCost k_one_more = {{1, 0, 0, 0, 0, 0}};
constexpr FlowCost k_change = {{0, 0, 0, 0, 0, 1}};

/// What the replica that comes after `before` others of its master costs on a node, in a zone.
FlowCost on_node(bool with_master, int before) {
  return {{0, with_master ? 1 : 0, 0, before, 0, 0}};
}
FlowCost in_zone(bool with_master, int before) {
  return {{0, 0, with_master ? 1 : 0, 0, before, 0}};
}

}  // namespace

ReplicaFlow::ReplicaFlow(const PlacementProblem& problem, std::vector<int> masters)
    : problem_(problem),
      masters_(std::move(masters)),
      shard_of_(problem.pods.size(), -1),
      pairs_matter_(!problem.zones_separate() && problem.most > 1),
      pod_to_node_(problem.pods.size(), -1),
      pod_stays_(problem.pods.size(), -1),
      gates_(masters_.size() * problem.zones.size()) {
  const int source = flow_.add_vertex();
  const int sink = flow_.add_vertex();
  add_places();
  for (int shard = 0; shard < problem.masters; ++shard) {
    shard_of_[index(masters_[index(shard)])] = shard;
    add_shard(shard, sink);
  }
  for (int pod = 0; pod < static_cast<int>(problem.pods.size()); ++pod) {
    if (shard_of_[index(pod)] < 0) {
      add_pod(pod, source);
    }
  }
  flow_.solve(source, sink);
}

void ReplicaFlow::add_places() {
  for (std::size_t zone = 0; zone < problem_.zones.size(); ++zone) {
    zone_vertices_.push_back(flow_.add_vertex());
  }
  for (const PlacementProblem::NodePlace& node : problem_.nodes) {
    node_vertices_.push_back(flow_.add_vertex());
    node_to_zone_.push_back(flow_.add_arc(node_vertices_.back(),
                                          zone_vertices_[index(node.zone)],
                                          static_cast<int>(node.pods.size()),
                                          k_free));
  }
}

void ReplicaFlow::add_shard(int shard, int sink) {
  const int vertex = flow_.add_vertex();
  flow_.add_arc(vertex, sink, problem_.share, k_free);
  if (problem_.leftover > 0) {
    flow_.add_arc(vertex, sink, 1, k_one_more);
  }
  for (int zone = 0; zone < static_cast<int>(problem_.zones.size()); ++zone) {
    add_gate(shard, zone, vertex);
  }
}

/// A gate knows nodes where they make a difference: at the master's own zone, and where replicas of
/// one master may have to share a zone. Where all pods of a shard can be in different zones, a gate
/// lets one through, and the master's own zone is not needed at all.
void ReplicaFlow::add_gate(int shard, int zone, int shard_vertex) {
  const int master = masters_[index(shard)];
  const bool own_zone = problem_.zone_of(master) == zone;
  if (own_zone && problem_.zones_separate()) {
    return;
  }
  Gate& made = gate(shard, zone);
  made.vertex = flow_.add_vertex();
  const int most = pairs_matter_ ? problem_.most : 1;
  for (int before = 0; before < most; ++before) {
    flow_.add_arc(made.vertex, shard_vertex, 1, in_zone(own_zone, before));
  }
  if (own_zone || pairs_matter_) {
    add_leaves(made, zone, problem_.pods[index(master)].node);
  } else {
    made.from_zone = flow_.add_arc(zone_vertices_[index(zone)], made.vertex, most, k_free);
  }
}

void ReplicaFlow::add_leaves(Gate& gate, int zone, int own_node) {
  const int most = pairs_matter_ ? problem_.most : 1;
  for (const int node : problem_.zones[index(zone)].nodes) {
    gate.leaves.push_back(flow_.add_vertex());
    gate.from_nodes.push_back(
        flow_.add_arc(node_vertices_[index(node)], gate.leaves.back(), most, k_free));
    for (int before = 0; before < most; ++before) {
      flow_.add_arc(gate.leaves.back(), gate.vertex, 1, on_node(node == own_node, before));
    }
  }
}

void ReplicaFlow::add_pod(int pod, int source) {
  const PlacementProblem::Pod& here = problem_.pods[index(pod)];
  const int vertex = flow_.add_vertex();
  flow_.add_arc(source, vertex, 1, k_free);
  const int shard = here.was_replica_of < 0 ? -1 : shard_of_[index(here.was_replica_of)];
  if (shard >= 0 && gate(shard, problem_.zone_of(pod)).vertex >= 0) {
    const Gate& stays = gate(shard, problem_.zone_of(pod));
    const int to =
        stays.leaves.empty() ? stays.vertex : stays.leaves[index(place_in_zone(here.node))];
    pod_stays_[index(pod)] = flow_.add_arc(vertex, to, 1, k_free);
  }
  pod_to_node_[index(pod)] =
      flow_.add_arc(vertex, node_vertices_[index(here.node)], 1, here.has_role ? k_change : k_free);
}

int ReplicaFlow::place_in_zone(int node) const {
  const auto& nodes = problem_.zones[index(problem_.nodes[index(node)].zone)].nodes;
  return static_cast<int>(std::lower_bound(nodes.begin(), nodes.end(), node) - nodes.begin());
}

std::vector<int> ReplicaFlow::path(int pod, int shard) {
  const PlacementProblem::Pod& here = problem_.pods[index(pod)];
  const Gate& through = gate(shard, problem_.zone_of(pod));
  if (through.vertex < 0) {
    return {};
  }
  if (pod_stays_[index(pod)] >= 0 && shard_of_[index(here.was_replica_of)] == shard) {
    return {pod_stays_[index(pod)]};
  }
  if (through.from_zone >= 0) {
    return {through.from_zone, node_to_zone_[index(here.node)], pod_to_node_[index(pod)]};
  }
  return {through.from_nodes[index(place_in_zone(here.node))], pod_to_node_[index(pod)]};
}

bool ReplicaFlow::take(int pod, int shard) {
  const std::vector<int> arcs = path(pod, shard);
  return !arcs.empty() && flow_.pin(arcs);
}

std::vector<std::vector<int>> ReplicaFlow::first_in_order() {
  std::vector<std::vector<int>> shards(masters_.size());
  std::vector<int> waiting;
  for (int pod = 0; pod < static_cast<int>(problem_.pods.size()); ++pod) {
    if (shard_of_[index(pod)] < 0) {
      waiting.push_back(pod);
    }
  }
  std::vector<int> refused(problem_.nodes.size(), -1);
  int turn = 0;
  for (int round = 0; round < problem_.most; ++round) {
    for (int shard = 0; shard < problem_.masters; ++shard, ++turn) {
      const auto taken = std::find_if(waiting.begin(), waiting.end(), [&](int pod) {
        // Pods without a role on one node are alike: where one was refused, so is the next.
        int& refused_in = refused[index(problem_.pods[index(pod)].node)];
        const bool plain = !problem_.pods[index(pod)].has_role;
        if (plain && refused_in == turn) {
          return false;
        }
        const bool accepted = take(pod, shard);
        refused_in = plain && !accepted ? turn : refused_in;
        return accepted;
      });
      if (taken != waiting.end()) {
        shards[index(shard)].push_back(*taken);
        waiting.erase(taken);
      }
    }
  }
  return shards;
}

}  // namespace kredis::core
