// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/observe/locate.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::observe {

/// How many pods each workload of the cluster ("statefulset/redis-app") is to have beyond those of
/// `view`, as it says now; where that may not be read, as the shape in its annotations asks. None
/// of them is 0. Requires: the pods of `view` were found before this is asked.
std::map<std::string, std::size_t> missing_pods(ports::KubePort& kube,
                                                const Located& located,
                                                const core::ClusterView& view);

}  // namespace kredis::observe
