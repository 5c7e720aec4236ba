// SPDX-License-Identifier: Apache-2.0
//
// Everything a cluster is made of in Kubernetes, as objects ready for server-side apply: no status,
// and no field that the API server fills in by itself.
#pragma once

#include <vector>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// Lists the objects in the order in which they are to be applied; the pods' workload comes last.
/// Requires: a spec that `check` accepts.
std::vector<Json> objects(const ClusterSpec& spec);

}  // namespace kredis::manifest
