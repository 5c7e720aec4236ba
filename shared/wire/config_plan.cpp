// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/config_plan.hpp"

#include <algorithm>
#include <set>

namespace kredis::wire {
namespace {

using core::Error;

/// The lines of `config` that set one of `names`.
RedisConf only(const RedisConf& config, const std::set<std::string>& names) {
  RedisConf part;
  std::ranges::copy_if(config.directives,
                       std::back_inserter(part.directives),
                       [&](const auto& directive) { return names.contains(directive.name); });
  return part;
}

core::Status judge(const RedisConf& config,
                   const std::vector<NodeDrift>& drifts,
                   const ConfigRules& rules) {
  std::set<std::string> names;
  for (const NodeDrift& node : drifts) {
    for (const Drift& drift : node.drifts) {
      names.insert(drift.name);
    }
  }
  const std::vector<Error> errors = check_user_config(only(config, names), rules);
  if (!errors.empty()) {
    return errors.front();
  }
  for (const NodeDrift& node : drifts) {
    for (const Drift& drift : node.drifts) {
      if (!drift.known) {
        return Error::invalid_argument("line " + std::to_string(drift.line) + ": the server of " +
                                       node.pod + " does not know " + drift.name +
                                       " and would not start with it")
            .with_hint("remove the line, or run an image that knows it");
      }
    }
  }
  return {};
}

/// Replicas first; each in the order of the nodes.
int rank(const PodRestart& restart) { return restart.role == core::Role::replica ? 0 : 1; }

}  // namespace

std::vector<NodeDrift> drift_by_node(const RedisConf& config,
                                     const std::vector<NodeConfig>& nodes) {
  std::vector<NodeDrift> all;
  for (const NodeConfig& node : nodes) {
    auto drifts = drift_of(config, node.running);
    if (!drifts.empty()) {
      all.push_back({.pod = node.pod, .drifts = std::move(drifts)});
    }
  }
  return all;
}

core::Result<ConfigPlan> plan_config(const RedisConf& config,
                                     const std::vector<NodeConfig>& nodes,
                                     const ConfigRules& rules,
                                     Attempt attempt) {
  KREDIS_CHECK(judge(config, drift_by_node(config, nodes), rules));
  ConfigPlan plan;
  for (const NodeConfig& node : nodes) {
    LiveChange live{.pod = node.pod, .drifts = {}};
    PodRestart restart{.pod = node.pod, .role = node.role, .drifts = {}};
    restart.is_outage = node.role == core::Role::master && node.serves_slots && !node.has_replica;
    for (Drift& drift : drift_of(config, node.running)) {
      const bool settable = attempt == Attempt::first && drift.mend == Mend::live;
      (settable ? live.drifts : restart.drifts).push_back(std::move(drift));
    }
    if (!live.drifts.empty()) {
      plan.live.push_back(std::move(live));
    }
    if (!restart.drifts.empty()) {
      plan.restarts.push_back(std::move(restart));
    }
  }
  std::ranges::stable_sort(plan.restarts, {}, rank);
  return plan;
}

}  // namespace kredis::wire
