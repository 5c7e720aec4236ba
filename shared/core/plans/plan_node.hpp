// SPDX-License-Identifier: Apache-2.0
//
// One guarded step on one node: what `kubectl redis node` does, and what findings ask for. Pure.
#pragma once

#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

struct NodeWish {
  enum class What {
    forget,     ///< Every node strikes `id` from its list.
    meet,       ///< Every node that does not reach `pod` is introduced to it.
    replicate,  ///< `pod` becomes a replica of `master`.
    reset,      ///< `pod` is emptied and leaves its cluster.
    claim,      ///< `pod` takes `slots` that nobody says are its own.
  };
  What what = What::meet;
  std::string pod = {};
  std::string id = {};      ///< Of a node, or the start of it.
  std::string master = {};  ///< A pod, or the start of a node's id.
  SlotSet slots = {};
};

/// The steps for `wish`; none where it holds already.
/// Errors: not_found (no such pod or node: names those that there are), invalid_argument (the start
/// of an id fits several), unreachable (a pod that must answer does not), unsafe (it would take
/// away a node that serves or lives, a slot from somebody, keys that nobody else has).
Result<Plan> plan_node(const ClusterView& view, const NodeWish& wish);

/// What is missing until every node shows it; empty when nothing is. Needs what INFO says.
std::string node_missing(const ClusterView& view, const NodeWish& wish);

}  // namespace kredis::core
