// SPDX-License-Identifier: Apache-2.0
//
// CLUSTER INFO text. https://redis.io/docs/latest/commands/cluster-info/
#pragma once

#include <string_view>

#include "shared/core/topology.hpp"

namespace kredis::wire {

/// Reads a CLUSTER INFO reply; fields that a version does not write stay zero.
/// Errors: protocol (no cluster_state line, or a number that is none), quoting the line.
Result<core::ClusterInfo> parse_cluster_info(std::string_view text);

}  // namespace kredis::wire
