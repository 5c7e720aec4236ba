// SPDX-License-Identifier: Apache-2.0
//
// Real cluster nodes that pose as the pods redis-app-0 and on, for tests of operations.
#pragma once

#include <memory>
#include <string>

#include "plugin/operations/init/initialise.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/observe/cluster.hpp"
#include "shared/redis/redis.hpp"
#include "tests/support/redis_servers.hpp"

namespace kredis::tests {

struct ClusterBed {
  ClusterBed(int count, int node_timeout_ms, const std::vector<std::string>& more_arguments = {});

  /// Runs `initialise` for `masters` with one replica each (or as `options` says).
  Result<plugin::InitOutcome> init(std::uint32_t masters,
                                   std::chrono::milliseconds time = std::chrono::seconds(60),
                                   plugin::FormQuickly quickly = plugin::FormQuickly::yes);
  /// The nodes, to be looked at.
  std::unique_ptr<observe::Cluster> cluster() const {
    return std::make_unique<observe::Cluster>(*redis, view);
  }
  /// One command to one node.
  core::Reply ask(std::size_t node, const core::Command& command) const;
  /// CONFIG GET of one setting.
  std::string setting(std::size_t node, const std::string& name) const;

  RedisServers servers;
  std::unique_ptr<ports::RedisPort> redis;
  core::ClusterView view;  ///< Pods only.
};

}  // namespace kredis::tests
