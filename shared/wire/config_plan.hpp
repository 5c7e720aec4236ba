// SPDX-License-Identifier: Apache-2.0
//
// What rolls an edited redis.conf out over the nodes of a cluster: settings made in the running
// server first, then restarts, replicas before masters.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/core/node.hpp"
#include "shared/wire/config_drift.hpp"

namespace kredis::wire {

/// A node and what CONFIG GET says of it.
struct NodeConfig {
  std::string pod = {};
  core::Role role = core::Role::master;
  bool has_replica = false;  ///< Of a master: one that could take over.
  bool serves_slots = true;
  std::map<std::string, std::string> running = {};
};

struct NodeDrift {
  std::string pod;
  std::vector<Drift> drifts = {};
};

struct LiveChange {
  std::string pod;
  std::vector<Drift> drifts;
};

struct PodRestart {
  std::string pod;
  core::Role role = core::Role::master;
  bool is_outage = false;  ///< A master with slots and nobody to take over.
  std::vector<Drift> drifts;
};

struct ConfigPlan {
  std::vector<LiveChange> live = {};
  std::vector<PodRestart> restarts = {};
  bool empty() const noexcept { return live.empty() && restarts.empty(); }
};

/// After an attempt to set things live, what still differs takes a restart: versions differ in what
/// a running server takes.
enum class Attempt { first, after_live };

/// What each node lacks, those without drift left out.
std::vector<NodeDrift> drift_by_node(const RedisConf& config, const std::vector<NodeConfig>& nodes);

/// Plans only for what differs; judges only that, as create would.
/// Errors: invalid_argument (the first thing that a cluster may not set, or that a node does not
/// know and would not start with).
core::Result<ConfigPlan> plan_config(const RedisConf& config,
                                     const std::vector<NodeConfig>& nodes,
                                     const ConfigRules& rules,
                                     Attempt attempt = Attempt::first);

}  // namespace kredis::wire
