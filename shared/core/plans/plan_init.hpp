// SPDX-License-Identifier: Apache-2.0
//
// What turns pods into one cluster, from strangers or from a half-made one. Pure.
#pragma once

#include "shared/core/cluster_view.hpp"
#include "shared/core/placement/placement.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

/// A plan with the placement that it aims at.
struct InitPlan : Plan {
  Placement placement = {};
};

/// What turns the members of `view` into one cluster of `shape`: from six strangers, from a
/// half-made one, or nothing when it is whole. Dead nodes that held nothing are forgotten. Every
/// member must have answered. Roles that exist stay, even where another placement would be better.
/// An empty plan says that there is nothing to do, not that gossip has reached everybody: check
/// ClusterView::all_agree for that. Errors: unsafe (a node holds keys outside the cluster, belongs
/// to another cluster, has a half-moved slot; two pods serve one slot or share one id), conflict
/// (it has another number of masters), invalid_argument (fewer than three masters, too few pods),
/// unreachable (a member did not answer or is loading).
Result<InitPlan> plan_init(const ClusterView& view, Shape shape);

/// What has replicas log in to their masters where these want a password and nobody told them:
/// masterauth on each server that has none. `password` is what we log in with ourselves. Nothing
/// where all is well, or where nobody knows a password.
Stage letting_in(const ClusterView& view, const std::string& password);

}  // namespace kredis::core
