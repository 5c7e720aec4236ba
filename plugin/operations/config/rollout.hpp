// SPDX-License-Identifier: Apache-2.0
//
// Bringing what the nodes run to what redis.conf says: look, set what can be set, restart the rest.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugin/operations/config/source.hpp"
#include "plugin/terminal/progress.hpp"
#include "plugin/terminal/session.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/wire/config_plan.hpp"

namespace kredis::plugin {

/// The cluster that a rollout works on.
struct RolloutTarget {
  ports::KubePort& kube;
  ports::RedisPort& redis;
  const observe::Located& located;
  ports::Deadline deadline;
};

/// Waits, two minutes at most, until the cluster is whole: an earlier run that was killed, or
/// somebody else, may have a pod restarting. Errors: timeout (pods are missing or do not answer
/// even then).
Status await_whole(const RolloutTarget& target, Progress& progress);

/// Asks every node for the settings that `config` speaks of.
/// Errors: those of a node that does not answer; a drift that cannot be seen is none that can be
/// ruled out.
Result<std::vector<wire::NodeConfig>> look_at_configs(const RolloutTarget& target,
                                                      const wire::RedisConf& config);

/// What create would hold the file to.
wire::ConfigRules rules_of(const wire::RedisConf& config, const observe::RedisAccess& access);

/// CONFIG SET, all nodes at once. Settings that a server refuses to change while it runs (versions
/// differ) are left to a restart. Errors: conflict (a server refuses the value: its own words).
Status set_live(const RolloutTarget& target, const wire::ConfigPlan& plan);

/// Restarts one pod and waits until the cluster is whole again with it. A master hands over first.
/// Errors: timeout (says what is missing), those of the server.
Status restart_pod(const RolloutTarget& target, const std::string& pod, Progress& progress);

}  // namespace kredis::plugin
