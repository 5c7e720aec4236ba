// SPDX-License-Identifier: Apache-2.0
//
// Finding clusters in Kubernetes: by name, by selector, or all there are. Nothing here asks Redis.
#pragma once

#include <string>
#include <vector>

#include "shared/ports/kube_port.hpp"

namespace kredis::observe {

/// A workload (or, in the Service & Deployment layout, one of several) whose pods are one cluster.
struct Located {
  std::string name;  ///< The cluster's: its instance label, else the workload's name.
  std::string namespace_;
  std::string label_selector;  ///< Of its pods.
  Json workload = {};          ///< Null where pods have no workload that we know.
};

/// The cluster that `workload` (a StatefulSet, or one of its Deployments) makes up.
Located located_from(const Json& workload);

/// Finds cluster `name`: what `create` made under that name, else a StatefulSet NAME-app or NAME.
/// Errors: not_found.
Result<Located> locate(ports::KubePort& kube,
                       const std::string& namespace_,
                       const std::string& name);

/// Finds the cluster of the pods that `selector` matches.
/// Errors: not_found (no such pods), conflict (they belong to several StatefulSets: names them).
Result<Located> locate_by_selector(ports::KubePort& kube,
                                   const std::string& namespace_,
                                   const std::string& selector);

/// Finds the cluster that the pod belongs to, by its labels or by what owns it.
/// Errors: not_found (no such pod).
Result<Located> locate_by_pod(ports::KubePort& kube,
                              const std::string& namespace_,
                              const std::string& pod);

/// All clusters that carry `create`'s labels or the article's. An empty `namespace_` is everywhere.
Result<std::vector<Located>> locate_all(ports::KubePort& kube, const std::string& namespace_);

}  // namespace kredis::observe
