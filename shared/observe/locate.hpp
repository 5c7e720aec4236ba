// SPDX-License-Identifier: Apache-2.0
//
// Finding clusters in Kubernetes: by name, by selector, or all there are. Nothing here asks Redis;
// what its nodes know beyond this, `Cluster` adds.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/observe/owner.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::observe {

/// The pods that are one cluster, as far as Kubernetes tells.
struct Located {
  std::string name;  ///< The cluster's: its instance label, else the workload's name.
  std::string namespace_;
  std::string label_selector;       ///< Of its pods; empty looks through all of the namespace.
  std::vector<Owner> owners = {};   ///< Whose pods they are.
  bool all_selected = false;        ///< Whatever the selector finds is meant, whoever made it.
  std::vector<Owner> further = {};  ///< Whose pods are theirs, too, as the nodes themselves say.
  core::Call call = {};             ///< As it was asked for.
  /// What says how the pods are meant: the workload or, where nothing that we can read makes them,
  /// one of the pods in a workload's shape. Null where there is neither.
  Json workload = {};

  /// Whether a pod that the selector found is one of the cluster's. One that no controller looks
  /// after is: its workload is about to adopt it.
  bool has(const Json& pod) const;
  /// Those of both lists, leaders before followers.
  std::vector<Owner> all_owners() const;
};

/// Whether `workload` is what `create` made.
bool is_made_by_create(const Json& workload);

/// "create", what its label app.kubernetes.io/managed-by says, or "others".
std::string maker_of(const Json& workload);

/// The cluster that `workload` (a StatefulSet, or one of its Deployments) makes up.
Located located_from(const Json& workload);

/// The cluster that these make up together; the first one describes it. Requires: at least one.
Located located_from(const std::vector<Json>& workloads);

/// Finds cluster `name`: what `create` made under that name, else a StatefulSet NAME-app or NAME, a
/// Deployment NAME, or whatever else of that name has pods. Only pods that are owned count, however
/// many others the workload's selector matches. Errors: not_found.
Result<Located> locate(ports::KubePort& kube,
                       const std::string& namespace_,
                       const std::string& name);

/// Finds the cluster of the pods that `selector` matches, whoever makes them.
/// Errors: not_found (no such pods).
Result<Located> locate_by_selector(ports::KubePort& kube,
                                   const std::string& namespace_,
                                   const std::string& selector);

/// Refuses pods of workloads that select the same labels, as copies of one manifest do: nothing
/// then tells whether one cluster is meant or one each. Asked before pods become a cluster. Errors:
/// conflict (names them).
Status check_told_apart(ports::KubePort& kube, const Located& located);

/// Finds the cluster that the pod belongs to, by its labels or by what owns it.
/// Errors: not_found (no such pod).
Result<Located> locate_by_pod(ports::KubePort& kube,
                              const std::string& namespace_,
                              const std::string& pod);

/// All StatefulSets, Deployments, other sets and bare pods that run Redis in cluster mode, by
/// labels, annotations or what they start: those of `create` joined by their name, others one by
/// one, though several may be one cluster, as its nodes know. An empty `namespace_` is everywhere.
Result<std::vector<Located>> locate_all(ports::KubePort& kube, const std::string& namespace_);

}  // namespace kredis::observe
