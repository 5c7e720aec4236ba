// SPDX-License-Identifier: Apache-2.0
//
// The redis.conf of a cluster: the product's own lines, each with its reason, then the user's.
// What differs from pod to pod (addresses, the password) is not here: scripts/start.sh adds it.
#pragma once

#include <string>

#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// Of a memory limit, what the data may take. The rest is for the copies that a fork makes while
/// the append-only file is rewritten or a replica is synchronised, and for buffers.
inline constexpr int k_maxmemory_percent_of_limit = 60;

/// Writes the file. A line of ours gives way where the user sets the same key.
/// Requires: a spec that `check` accepts.
std::string redis_conf(const ClusterSpec& spec);

}  // namespace kredis::manifest
