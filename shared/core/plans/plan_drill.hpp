// SPDX-License-Identifier: Apache-2.0
//
// Losing a master on purpose, as a drill: which one may go, and what shows that the cluster got
// over it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// A replica this far behind would lose what the drill is to show is safe.
inline constexpr std::int64_t k_drill_most_lag_bytes = 1 << 20;

struct DrillWish {
  std::string master = {};  ///< Its pod, or its node by the start of the id; empty for any.
  std::uint64_t dice = 0;   ///< Which of those that may go, where `master` is empty.
};

/// Where the probe writes: a slot of a shard, and the nodes that may come to serve it.
struct ProbedShard {
  std::uint32_t slot = 0;
  std::vector<NodeId> nodes = {};  ///< The master first.
};

/// What is about to happen.
struct Drill {
  NodeId victim;
  Pod pod = {};
  SlotSet slots = {};
  std::vector<Pod> replicas = {};  ///< Those that may take over, the likeliest first.
  std::int64_t lag_bytes = 0;      ///< Of the likeliest.
  std::vector<ProbedShard> probed =
      {};  ///< The victim's shard first; not all where there are many.
};

/// Chooses the master that goes. A cluster is drilled only when it could do without it.
/// Errors: not_found, invalid_argument (as core::plan_hand_overs), unsafe (it is not whole already;
/// the master has no replica in step; no majority would be left: says which), unreachable.
Result<Drill> plan_drill(const ClusterView& view, const DrillWish& wish);

/// What one look at the other nodes tells of how far they are.
struct DrillSight {
  bool suspected = false;           ///< A node cannot reach the victim.
  bool detected = false;            ///< A majority agreed that it is gone.
  std::optional<NodeId> heir = {};  ///< Who says that it serves the victim's slots now.
};

/// Reads what the nodes that answer say. The victim's own word does not count.
DrillSight sight_of(const ClusterView& view, const Drill& drill);

/// What keeps the cluster from being whole again, with the old master as its `heir`'s replica (or
/// as master still, where nobody took over); empty when nothing does. Needs what INFO says.
std::string drill_missing(const ClusterView& view,
                          const Drill& drill,
                          const std::optional<NodeId>& heir);

/// What keeps a node from being whole: it does not answer, loads, is not in step; empty when well.
std::string member_lacks(const Member& member);

}  // namespace kredis::core
