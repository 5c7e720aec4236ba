// SPDX-License-Identifier: Apache-2.0
//
// What `place` is asked, in numbers: pods, nodes and zones counted from 0, pods in ordinal order.
// Shared by the files of placement only; docs/placement.md has the reasoning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/core/placement/placement.hpp"

namespace kredis::core {

struct PlacementProblem {
  struct Pod {
    int node = 0;
    bool has_role = false;
    bool was_master = false;
    int was_replica_of = -1;  ///< The index of its master today, or -1.
  };
  struct NodePlace {
    int zone = 0;
    std::vector<int> pods = {};
  };
  struct ZonePlace {
    std::vector<int> nodes = {};
    int pods = 0;
  };

  std::vector<Pod> pods;
  std::vector<NodePlace> nodes;
  std::vector<ZonePlace> zones;
  int masters = 0;
  int replicas = 0;  ///< Of all masters together: every pod that is no master.
  int share = 0;     ///< Replicas that every master has.
  int leftover = 0;  ///< Masters that have one more.
  int most = 0;      ///< Replicas of the best served master.
  bool has_roles = false;

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  const NodePlace& node_of(int pod) const { return nodes[index(pods[index(pod)].node)]; }
  int zone_of(int pod) const { return node_of(pod).zone; }

  /// The most masters a place may hold for the others to be a majority without it.
  int quorum_limit() const { return (masters - 1) / 2; }
  /// Whether every shard can have all its pods in different zones, whichever pods are masters.
  bool zones_separate() const;
  /// Whether apartness (the first three criteria) comes out the same whichever pods are masters.
  bool apartness_is_free() const;
};

/// Requires: `candidates` in ordinal order, at least `masters` > 0 of them.
PlacementProblem number_places(const std::vector<Candidate>& candidates, int masters);

}  // namespace kredis::core
