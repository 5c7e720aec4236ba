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
      node_holds_majority,
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

/// Chooses roles for `masters` * (1 + `replicas`) of the candidates; candidates beyond that number
/// become extra replicas. In this order: no replica on its master's node; then not in its zone;
/// replicas of one master on different nodes; no node, then no zone, with a majority of masters
/// where that is possible; load balanced; fewest changes; the order of the ordinals (masters
/// 0..M-1, M+i replicates i). Exact for each criterion in turn, deterministic.
/// Errors: invalid_argument (masters == 0 or too few candidates).
Result<Placement> place(const std::vector<Candidate>& candidates, std::uint32_t masters,
                        std::uint32_t replicas);

}  // namespace kredis::core
