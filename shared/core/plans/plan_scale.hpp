// SPDX-License-Identifier: Apache-2.0
//
// What gives a cluster that serves another number of masters or replicas. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/move_way.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

struct ScaleWish {
  std::uint32_t masters = 0;
  std::uint32_t replicas = 0;            ///< Of each master.
  std::set<std::string> leaving = {};    ///< Pods that go once no role is theirs.
  std::set<std::string> migrating = {};  ///< Pods whose replicas look for other masters themselves.
  WayWish way = {};                      ///< How slots move.
};

/// Refuses what would not end well, before anything is done. `wish` counts the pods that will be.
/// Errors: invalid_argument (fewer than three masters where there are more, too few pods), unsafe
/// (slots without a master, open in another direction, keys that would not fit in the masters that
/// stay), unreachable (a node that does not answer), conflict (two clusters, a new pod with a
/// past).
Status check_scale(const ClusterView& view, const ScaleWish& wish);

/// What the nodes are to do, from what they are now: new ones are met and attached, roles move off
/// the pods that leave, slots move to their shares, replicas find their masters, and whoever leaves
/// is forgotten and reset. Empty where that is so already. After each stage the rest is planned
/// anew. Requires: pods that are to come have come. Errors: as check_scale.
Result<Plan> plan_scale(const ClusterView& view, const ScaleWish& wish);

/// What keeps a node from being given slots by `stage`; empty when nothing does. One that has just
/// come takes the cluster for failed as long as a node time-out, five seconds at most.
std::string not_ready_to_take(const ClusterView& view, const Stage& stage);

/// What the next stage has to wait for: a node that does not answer, does not agree or still
/// copies; empty when nothing. Needs what INFO says. Nodes that left are not waited for.
std::string not_settled(const ClusterView& view, const ScaleWish& wish);

}  // namespace kredis::core
