// SPDX-License-Identifier: Apache-2.0
//
// The redis.conf of a cluster: the product's own lines, each with its reason, then the user's.
// What differs from pod to pod (addresses, the password) is not here: scripts/start.sh adds it.
#pragma once

#include <string>

#include "shared/manifest/cluster_spec.hpp"
#include "shared/policy/names.hpp"

namespace kredis::manifest {

using policy::k_maxmemory_percent_of_limit;

/// Writes the file. A line of ours gives way where the user sets the same key.
/// Requires: a spec that `check` accepts.
std::string redis_conf(const ClusterSpec& spec);

}  // namespace kredis::manifest
