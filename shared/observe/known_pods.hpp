// SPDX-License-Identifier: Apache-2.0
//
// Pods that no name or selector led to, and that a cluster's nodes know as theirs: those of a
// cluster's other workloads.
#pragma once

#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/json/json.hpp"

namespace kredis::observe {

/// The nodes that most members speak of, of those that answer, and no member is: one pod that was
/// introduced to somebody else's cluster makes that none of ours. Nodes that nobody has an address
/// for, or that are only being met, are left out.
std::vector<core::Node> unknown_nodes(const core::ClusterView& view);

/// The pods of `pods` that stand at one of the nodes' addresses or have one of their host names:
/// they may be those nodes, and only asking them tells, as addresses are used again.
std::vector<Json> pods_at(const std::vector<core::Node>& nodes, const Json& pods);

}  // namespace kredis::observe
