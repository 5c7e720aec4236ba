// SPDX-License-Identifier: Apache-2.0
//
// Silence is no answer: while a pod does not say which node it is, or is not there yet, a node that
// no pod seems to be may be that one, with all that it holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

struct UnseenPods {
  std::string what;  ///< "pod shop-0 does not answer", "2 pods of statefulset/shop are not there".
  std::string see;   ///< The command that shows why.
};

/// The first reason why not all pods of the cluster were heard; nothing where all were.
std::optional<UnseenPods> unseen_pods(const ClusterView& view);

/// The pods that workloads are to have beyond those that there are: "1 pod of statefulset/shop is
/// not there"; nothing where all are there.
std::optional<UnseenPods> missing_pods(const ClusterView& view);

/// How long `viewer` has not heard of a node that it knows, by its own clock: in ms, since the
/// latest answer that it had of any.
std::int64_t unheard_ms(const Topology& viewer, const Node& seen);

/// Whether a node is away, whatever its flags say so far: nobody who answers reaches it; or most
/// know it, and nobody has heard of it since the youngest pod came, whose node it may have been (a
/// link counts as one while it is dialled). An answer of a living one comes within seconds.
bool is_away(const ClusterView& view, const NodeId& id);

/// A node that no pod is and that is away, and that the others have not yet given up, as they do
/// after cluster-node-timeout: it may be the one that a pod was until a moment ago. Null where
/// there is none. The pointer leads into `view`.
const Node* undecided_node(const ClusterView& view);

}  // namespace kredis::core
