// SPDX-License-Identifier: Apache-2.0
//
// The placement that docs/placement.md defines, found by looking at every one. Shares nothing with
// the real thing, so that a mistake in one is not repeated in the other.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "shared/core/placement/placement.hpp"

namespace kredis::core::testing {

/// Up to eight pods on numbered nodes in numbered zones.
struct SmallCase {
  std::vector<int> node_of_pod;
  std::vector<int> zone_of_node;
  std::vector<int> today = {};  ///< By pod: its master's number (its own for a master), or -1.

  int zone_of_pod(int pod) const;
  std::vector<Candidate> candidates() const;
};

/// By pod: the number of its master, its own for a master.
using Roles = std::vector<int>;

/// Same node, same zone, pairs on a node, pairs in a zone, nodes over the quorum limit, zones over
/// it, squares per node, squares per zone, changes.
using Score = std::array<int, 9>;

Score score_of(const SmallCase& small, const Roles& roles);

/// Every even way to give `pods` pods `masters` masters, the article's own order first.
std::vector<Roles> all_placements(int pods, int masters);

/// The first of those that score best.
Roles best_of(const SmallCase& small, const std::vector<Roles>& placements);

Roles roles_of(const Placement& placement, int pods);

/// Every way to put `count` things into at most `boxes` boxes that have no names.
std::vector<std::vector<int>> all_partitions(int count, int boxes);

}  // namespace kredis::core::testing
