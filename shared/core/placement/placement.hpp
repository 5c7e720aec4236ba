// SPDX-License-Identifier: Apache-2.0
//
// Which pods become masters and whose replicas the others become, by where they run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// A pod that can be given a role. `ordinal` breaks ties and must be unique.
struct Candidate {
  int ordinal = 0;
  FailureDomain domain = {};
  /// What it is today, so that a placement changes as little as it can. For a replica, the ordinal
  /// of its master; nullopt when it has no role yet or is a master (see `is_master`).
  bool is_master = false;
  std::optional<int> replica_of = {};
};

/// Masters in slot order (the first gets the first slots) with their replicas, all as ordinals.
struct Placement {
  struct Shard {
    int master = 0;
    std::vector<int> replicas = {};
    friend bool operator==(const Shard&, const Shard&) = default;
  };
  std::vector<Shard> shards = {};
  /// What could not be met, for people: "redis-app-3 shares node a with its master ...". Filled by
  /// ordinal only; screens put names to them.
  struct Compromise {
    enum class Kind {
      replica_on_masters_node,
      replica_in_masters_zone,
      replicas_share_node,
      node_holds_majority,  ///< Without it the other masters are no majority.
      zone_holds_majority,
    };
    Kind kind;
    int ordinal = -1;  ///< The replica, or -1.
    int other = -1;    ///< Its master or fellow replica, or -1.
    FailureDomain domain = {};
    friend bool operator==(const Compromise&, const Compromise&) = default;
  };
  std::vector<Compromise> compromises = {};
  friend bool operator==(const Placement&, const Placement&) = default;
};

/// Chooses roles for all candidates: `masters` masters, each with at least `replicas` replicas.
/// What is beyond that number becomes extra replicas, shared out evenly. In this order: fewest
/// replicas on their master's node; in its zone; fewest pairs of one master's replicas that share a
/// node, then a zone; fewest masters above what a node, then a zone, may hold for the others to be
/// a majority without it; evenly many masters on the nodes, then in the zones (least sum of
/// squares); fewest changes of role; the order of the ordinals (masters 0..M-1, M+i replicates i).
/// What is unknown about a pod's domain counts as shared with nobody. docs/placement.md says how,
/// and what is exact. Deterministic. Errors: invalid_argument (no masters, too few candidates, an
/// ordinal twice).
Result<Placement> place(const std::vector<Candidate>& candidates,
                        std::uint32_t masters,
                        std::uint32_t replicas);

/// Lists what `placement` could not meet: shards in order, then nodes, then zones. A zone counts
/// only where there are several.
std::vector<Placement::Compromise> compromises_of(const Placement& placement,
                                                  const std::vector<Candidate>& candidates);

}  // namespace kredis::core
