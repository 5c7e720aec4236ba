// SPDX-License-Identifier: Apache-2.0
//
// Bringing what the nodes run to what redis.conf says: look, set what can be set, restart the rest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "plugin/operations/config/source.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/wire/config_plan.hpp"

namespace kredis::plugin {

/// What is rolled out, and over what.
struct Rollout {
  Site& site;
  const ConfigSource& source;
  const observe::RedisAccess& access;
};

/// Waits, two minutes at most, until the cluster is whole: an earlier run that was killed, or
/// somebody else, may have a pod restarting. Errors: timeout (pods are missing or do not answer
/// even then), cancelled.
Status await_whole(observe::Cluster& cluster, const Conduct& conduct);

/// Asks every node for the settings that `config` speaks of.
/// Errors: those of a node that does not answer; a drift that cannot be seen is none that can be
/// ruled out.
Result<std::vector<wire::NodeConfig>> look_at_configs(observe::Cluster& cluster,
                                                      const wire::RedisConf& config,
                                                      const Conduct& conduct);

/// Looks at all nodes and plans for what differs now: one stage that sets, and one for each pod
/// that is restarted, replicas first. Errors: invalid_argument (what a cluster may not set, or a
/// node does not know), those of a look.
Result<core::Plan> plan_rollout(const Rollout& rollout,
                                wire::Attempt attempt,
                                const Conduct& conduct);

/// Carries `plan` out, and plans anew after each restart, as roles change. `agree` hears of a plan
/// whose risk is worse than that of the first.
/// Errors: conflict (a pod still runs another value after its restart), those of the steps and of
/// `agree`.
Status roll_out(const Rollout& rollout,
                const core::Plan& plan,
                const std::function<Status(const core::Plan&)>& agree,
                const Conduct& conduct);

/// What create would hold the file to.
wire::ConfigRules rules_of(const wire::RedisConf& config, const observe::RedisAccess& access);

}  // namespace kredis::plugin
