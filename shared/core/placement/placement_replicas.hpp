// SPDX-License-Identifier: Apache-2.0
//
// Whose replica each pod becomes, once the masters are chosen.
#pragma once

#include <vector>

#include "shared/core/placement/min_cost_flow.hpp"
#include "shared/core/placement/placement_problem.hpp"

namespace kredis::core {

/// The replicas of given masters as a flow: from each other pod through its node, its zone and a
/// "gate" of one master for one zone to that master.
class ReplicaFlow {
 public:
  /// Uneven shares, same node, same zone, pairs on a node, pairs in a zone, changed replicas.
  using Cost = MinCostFlow::Cost;

  /// Requires: `masters` are pods in ascending order, as many as `problem` asks for.
  ReplicaFlow(const PlacementProblem& problem, std::vector<int> masters);

  Cost cost() const { return flow_.cost(); }

  /// The replicas of each master: of all assignments of least cost the first one when read round by
  /// round (the first replica of every master, then the second ones; none comes after any).
  std::vector<std::vector<int>> first_in_order();

 private:
  struct Gate {
    int vertex = -1;
    int from_zone = -1;                ///< The arc from the zone's vertex, or -1.
    std::vector<int> leaves = {};      ///< With node detail: a vertex for each node of the zone,
    std::vector<int> from_nodes = {};  ///< and the arc to it.
  };

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  Gate& gate(int shard, int zone) {
    return gates_[index(shard) * problem_.zones.size() + index(zone)];
  }
  void add_places();
  void add_shard(int shard, int sink);
  void add_gate(int shard, int zone, int shard_vertex);
  void add_leaves(Gate& gate, int zone, int own_node);
  void add_pod(int pod, int source);
  bool take(int pod, int shard);
  std::vector<int> path(int pod, int shard);
  int place_in_zone(int node) const;

  const PlacementProblem& problem_;
  std::vector<int> masters_;
  std::vector<int> shard_of_;  ///< By pod; -1 for one that is no master.
  bool pairs_matter_;
  MinCostFlow flow_;
  std::vector<int> node_vertices_;
  std::vector<int> zone_vertices_;
  std::vector<int> node_to_zone_;  ///< Arcs, by node.
  std::vector<int> pod_to_node_;   ///< Arcs, by pod.
  std::vector<int> pod_stays_;     ///< Arcs to the gate of today's master, by pod, or -1.
  std::vector<Gate> gates_;
};

}  // namespace kredis::core
