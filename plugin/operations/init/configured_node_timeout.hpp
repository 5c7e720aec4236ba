// SPDX-License-Identifier: Apache-2.0
//
// What a workload's redis.conf says of cluster-node-timeout, for putting it back after init.
#pragma once

#include <chrono>

#include "shared/observe/locate.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Reads the ConfigMaps that the workload's pods mount. Zero when none says it, or none may be
/// read.
std::chrono::milliseconds configured_node_timeout(ports::KubePort& kube,
                                                  const observe::Located& located);

}  // namespace kredis::plugin
