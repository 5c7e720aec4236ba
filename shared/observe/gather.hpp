// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes half of observing a cluster: its pods, where they run, the shape that was asked
// for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/observe/locate.hpp"
#include "shared/observe/redis_process.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::observe {

/// How the pods of one namespace run Redis, each life of a pod looked into once.
/// Threads: one at a time.
class Processes {
 public:
  Processes(ports::KubePort& kube, const std::string& namespace_)
      : config_maps_(kube, namespace_) {}
  const RedisProcess& of(const Json& pod);

 private:
  ConfigMaps config_maps_;
  std::map<std::string, RedisProcess> known_;  ///< By the pod's uid, and by its name.
};

/// Reads the pods of `located`, the zones of their nodes and, in the Service & Deployment layout,
/// the Services' addresses that they announce. Redis is not asked.
/// Errors: not_found (no pods: says what the workload waits for).
Result<core::ClusterView> gather_pods(ports::KubePort& kube,
                                      const Located& located,
                                      Processes& processes);

/// The same for a look that is not repeated.
Result<core::ClusterView> gather_pods(ports::KubePort& kube, const Located& located);

/// Asks for the events of pods that are not ready, where there are any and one may see them: why a
/// pod gets no volume or no address stands nowhere else.
void explain_unready(ports::KubePort& kube, const Located& located, core::ClusterView& view);

/// The shape to aim at: `wanted` where it names masters; else what the workload's annotations say;
/// else as many masters as the pods allow with `wanted.replicas` each.
core::Shape shape_for(const core::ClusterView& view, const core::Shape& wanted);

}  // namespace kredis::observe
