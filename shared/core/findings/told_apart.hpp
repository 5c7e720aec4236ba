// SPDX-License-Identifier: Apache-2.0
//
// Which pods look like clusters of their own, by what their makers called them.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// The workloads of `view` as clusters, each by its first workload's name. Workloads are parts of
/// one cluster where their pods share a label that names it, or where their names differ by a role,
/// a number, or a zone only ("shop-leader" and "shop-follower"). Those of fewer than three pods are
/// no clusters. Pure.
std::vector<std::string> clusters_told_apart(const ClusterView& view);

}  // namespace kredis::core
