// SPDX-License-Identifier: Apache-2.0
//
// How many masters each node gets, as far as counts alone decide it.
#pragma once

#include <cstdint>
#include <vector>

#include "shared/core/placement/min_cost_flow.hpp"
#include "shared/core/placement/placement_problem.hpp"

namespace kredis::core {

/// Masters per node that cost least; `claim` then walks the counts of the same cost.
class MasterCounts {
 public:
  /// Same node, same zone, pairs on a node, pairs in a zone (the least that these counts allow),
  /// then nodes over the quorum limit, zones over it, squares per node, squares per zone.
  using Cost = LexicalCost<8, std::int64_t>;

  explicit MasterCounts(const PlacementProblem& problem);

  /// Reserves one more master on `node`, if some counts of least cost have it.
  bool claim(int node);

  static Cost cost_of(const PlacementProblem& problem, const std::vector<int>& per_node);

 private:
  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  /// What one more master costs, and what the last one did.
  struct Step {
    Cost up = {};
    Cost last = {};
  };

  void add(int node, int masters);
  bool has_room(int node) const;
  bool moves_for_free(int from, int to) const;

  const PlacementProblem& problem_;
  std::vector<int> on_node_;
  std::vector<int> in_zone_;
  std::vector<int> claimed_;
  std::vector<Step> node_steps_;
  std::vector<Step> zone_steps_;
};

}  // namespace kredis::core
