// SPDX-License-Identifier: Apache-2.0
//
// Whether a cluster can do without one more pod for a while. Pure.
#pragma once

#include <string>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// What keeps the cluster from being whole: a pod that is missing or not ready, a node that does
/// not answer, loads, sees the cluster failed, still copies or has half-moved slots, or nodes that
/// do not agree. Empty when nothing does. Needs what INFO says.
std::string not_whole(const ClusterView& view);

/// What keeps the nodes from being asked: pods that are not there, or do not answer; empty when all
/// of them do. What answers and is not whole can still be told what to run.
std::string not_answering(const ClusterView& view);

}  // namespace kredis::core
