// SPDX-License-Identifier: Apache-2.0
//
// CLUSTER NODES text and the nodes.conf file, as Redis 3.2 to 8 and Valkey 7.2 to 9 write them.
// https://redis.io/docs/latest/commands/cluster-nodes/#serialization-format
#pragma once

#include <string_view>

#include "shared/core/topology.hpp"

namespace kredis::wire {

/// Reads a whole CLUSTER NODES reply, or nodes.conf with its `vars` line.
/// Errors: protocol, quoting the line that could not be read and what was wrong with it.
Result<core::Topology> parse_cluster_nodes(std::string_view text);

}  // namespace kredis::wire
