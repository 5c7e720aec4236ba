// SPDX-License-Identifier: Apache-2.0
//
// The pods of a cluster that gets another shape: which objects make more of them, and which go.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin/operations/delete/removal.hpp"
#include "plugin/terminal/progress.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/observe/cluster.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

struct PodsPlan {
  std::optional<manifest::ClusterSpec> spec = {};  ///< Of the new shape, where `create` made it.
  core::Stage grow = {};                           ///< Before the nodes change; empty without need.
  core::Stage shrink = {};                         ///< After they did.
  std::set<std::string> leaving = {};
  std::vector<std::string> coming = {};  ///< Names of pods that there are not yet.
};

/// What of Kubernetes' objects is to change until the cluster of `view` has pods for `shape`; with
/// KeepData::no the claims of pods that go are deleted. Reads only.
/// Errors: conflict (the workloads do not say which pods would come or go), those of check.
Result<PodsPlan> plan_pods(ports::KubePort& kube,
                           const std::vector<observe::Owner>& owners,
                           const core::ClusterView& view,
                           core::Shape shape,
                           KeepData keep);

/// Whether this user may do it, there is room for the pods that are to come, and no claim with
/// another life's data waits for them. Errors: unauthorized, conflict.
Status check_room(ports::KubePort& kube, const PodsPlan& pods, KeepData keep);

}  // namespace kredis::plugin
