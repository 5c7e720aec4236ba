// SPDX-License-Identifier: Apache-2.0
//
// CLUSTER SHARDS (Redis 7.0 on) as values. https://redis.io/docs/latest/commands/cluster-shards/
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/core/node.hpp"
#include "shared/core/reply.hpp"

namespace kredis::wire {

struct ShardNode {
  core::NodeId id;
  core::NodeAddress address = {};  ///< The bus port is not part of this reply; 0.
  std::string endpoint = {};       ///< What clients are told to use; empty when unknown.
  int tls_port = 0;
  core::Role role = core::Role::master;
  std::int64_t replication_offset = 0;
  std::string health = {};  ///< "online", "failed" or "loading".
};

struct Shard {
  core::SlotSet slots;
  std::vector<ShardNode> nodes;
};

/// Reads the reply of CLUSTER SHARDS, RESP2 or RESP3.
/// Errors: protocol, naming the field that was missing or had the wrong type.
Result<std::vector<Shard>> parse_cluster_shards(const core::Reply& reply);

}  // namespace kredis::wire
