// SPDX-License-Identifier: Apache-2.0
//
// What restarts a pod of a cluster that serves. Pure.
#pragma once

#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

/// One stage: wait until the cluster is whole, hand a master's slots over to its best replica,
/// restart the pod. Where a master has no replica that could take over the restart is an outage,
/// and its step says so. `reason` is why the pod is restarted.
Stage plan_restart(const ClusterView& view, const std::string& pod, const std::string& reason);

}  // namespace kredis::core
