// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes half of observing a cluster: its pods, where they run, the shape that was asked
// for.
#pragma once

#include "shared/core/cluster_view.hpp"
#include "shared/observe/locate.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::observe {

/// Reads the pods of `located`, the zones of their nodes and, in the Service & Deployment layout,
/// the Services' addresses that they announce. Redis is not asked.
/// Errors: not_found (no pods: says what the workload waits for).
Result<core::ClusterView> gather_pods(ports::KubePort& kube, const Located& located);

/// Asks for the events of pods that are not ready, where there are any and one may see them: why a
/// pod gets no volume or no address stands nowhere else.
void explain_unready(ports::KubePort& kube, const Located& located, core::ClusterView& view);

/// The shape to aim at: `wanted` where it names masters; else what the workload's annotations say;
/// else as many masters as the pods allow with `wanted.replicas` each.
core::Shape shape_for(const core::ClusterView& view, const core::Shape& wanted);

}  // namespace kredis::observe
