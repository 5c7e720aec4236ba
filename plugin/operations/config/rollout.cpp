// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/config/rollout.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/apply/apply_plan.hpp"
#include "shared/core/findings/whole.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/core/plans/plan_restart.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_live_title = "setting what can be set live";

/// Every other item of a CONFIG GET reply is a name.
void read_setting(const core::Reply& reply, const std::string& name, wire::NodeConfig& node) {
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    if (reply.items[i].text == name) {
      node.running[name] = reply.items[i + 1].text;
    }
  }
}

/// Who is master, and whether somebody could take over, as a hand-over would find it.
void read_role(const core::ClusterView& view, const core::Member& member, wire::NodeConfig& node) {
  const core::Node* self = member.self();
  if (self == nullptr) {
    return;
  }
  node.role = self->role;
  node.serves_slots = !self->slots.empty();
  if (self->role == core::Role::master && node.serves_slots) {
    const auto heirs = core::plan_hand_overs(
        view, {.of = core::FailoverWish::Of::master, .name = member.pod.name});
    node.has_replica = heirs && !heirs->empty();
  }
}

Result<wire::NodeConfig> config_of(const core::ClusterView& view,
                                   const core::Member& member,
                                   const observe::Answer& answer,
                                   const std::vector<wire::WantedSetting>& settings) {
  if (!answer) {
    return answer.error().while_doing("asking " + member.pod.name + " for its settings");
  }
  wire::NodeConfig node{.pod = member.pod.name};
  read_role(view, member, node);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if ((*answer)[i].is_error()) {
      return redis::error_of((*answer)[i], member.pod.name);
    }
    read_setting((*answer)[i], settings[i].name, node);
  }
  return node;
}

core::Stage live_stage(const wire::ConfigPlan& plan) {
  core::Stage stage{.title = k_live_title, .done = k_live_title};
  for (const wire::LiveChange& change : plan.live) {
    for (const wire::Drift& drift : change.drifts) {
      const bool secret = wire::is_secret_setting(drift.name);
      core::SetConfig set{.pod = change.pod, .settings = {{drift.name, drift.wanted, secret}}};
      const std::string was = !drift.known ? "not known to this server"
                              : secret     ? ""
                                           : "was " + (drift.found.empty() ? "\"\"" : drift.found);
      stage.steps.push_back({.what = std::move(set), .reason = was});
    }
  }
  return stage;
}

std::string reason_of(const wire::PodRestart& restart) {
  std::vector<std::string> names;
  for (const wire::Drift& drift : restart.drifts) {
    names.push_back(drift.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Error still_differs(const Rollout& rollout, const core::Stage& restart) {
  const core::Step& last = restart.steps.back();
  const core::ClusterView& view = rollout.site.cluster->view();
  return Error::conflict(fmt::format("{} still runs {} with another value than ConfigMap {} says",
                                     core::pod_of(last),
                                     last.reason,
                                     rollout.source.config_map))
      .with_hint("see both: kubectl redis config diff " + view.name + " -n " + view.namespace_);
}

/// A pod that keeps its data in itself does not outlive a restart.
Status check_outlives(const core::ClusterView& view, const wire::ConfigPlan& changes) {
  for (const wire::PodRestart& restart : changes.restarts) {
    const core::Member* member = view.by_pod(restart.pod);
    if (member != nullptr && !member->pod.keeps_data) {
      return Error::unsafe(
                 "pods of cluster " + view.name +
                 " would restart, and they keep their data in themselves: it would be lost (" +
                 reason_of(restart) + ")")
          .with_hint("what a server takes while it runs is set by: " +
                     core::redis_cli_on_all_command(view, "CONFIG SET NAME VALUE"));
    }
  }
  return {};
}

}  // namespace

Status await_whole(observe::Cluster& cluster, const Conduct& conduct) {
  constexpr auto k_patience = 2min;
  std::string silent;
  const auto missing = [&]() -> Result<std::string> {
    const Status seen = cluster.look(observe::Ask::everything, conduct.call_deadline());
    silent = seen ? core::not_answering(cluster.view()) : seen.error().message;
    if (!seen && seen.error().code == ErrorCode::unauthorized) {
      return seen.error();
    }
    return silent.empty() ? core::not_whole(cluster.view()) : silent;
  };
  KREDIS_TRY(const std::string first, missing());
  if (first.empty()) {
    return {};
  }
  conduct.begin("waiting until the cluster is whole");
  const Status waited = wait_until(conduct.with_patience(k_patience), 300ms, missing);
  const bool gives_up = !waited && (waited.error().code != ErrorCode::timeout || !silent.empty());
  if (gives_up) {
    conduct.failed();
    return waited;
  }
  // One that answers and is not whole can still be told what to run: that may be what ails it.
  conduct.done(waited ? "the cluster is whole" : "going on with a cluster that is not whole");
  return {};
}

Result<std::vector<wire::NodeConfig>> look_at_configs(observe::Cluster& cluster,
                                                      const wire::RedisConf& config,
                                                      const Conduct& conduct) {
  KREDIS_CHECK(cluster.look(observe::Ask::everything, conduct.call_deadline()));
  const auto settings = wire::wanted_settings(config);
  std::vector<core::Command> commands;
  for (const wire::WantedSetting& setting : settings) {
    commands.push_back({"CONFIG", "GET", setting.name});
  }
  const auto answers = cluster.switchboard().ask_all(commands, conduct.call_deadline());
  std::vector<wire::NodeConfig> nodes;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    KREDIS_TRY(wire::NodeConfig node,
               config_of(cluster.view(), cluster.view().members[i], answers[i], settings));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

wire::ConfigRules rules_of(const wire::RedisConf& config, const observe::RedisAccess& access) {
  wire::ConfigRules rules{.port = access.tls_secret.empty() ? 6379 : 0,
                          .has_password = !access.auth_secret.empty()};
  for (const wire::RedisDirective& directive : config.directives) {
    // The folder of nodes.conf is the volume: `dir` itself may be what was changed.
    if (directive.name == "cluster-config-file" && directive.arguments.size() == 1) {
      const std::string& file = directive.arguments.front();
      const std::size_t slash = file.rfind('/');
      rules.data_dir =
          slash == std::string::npos || slash == 0 ? rules.data_dir : file.substr(0, slash);
    }
  }
  return rules;
}

Result<core::Plan> plan_rollout(const Rollout& rollout,
                                wire::Attempt attempt,
                                const Conduct& conduct) {
  const wire::RedisConf& config = rollout.source.config;
  KREDIS_TRY(const auto nodes, look_at_configs(*rollout.site.cluster, config, conduct));
  auto changes = wire::plan_config(config, nodes, rules_of(config, rollout.access), attempt);
  if (!changes) {
    return changes.error().while_doing("judging " + rollout.source.key + " of ConfigMap " +
                                       rollout.source.config_map);
  }
  KREDIS_CHECK(check_outlives(rollout.site.cluster->view(), *changes));
  core::Plan plan;
  if (!changes->live.empty()) {
    plan.stages.push_back(live_stage(*changes));
  }
  for (const wire::PodRestart& restart : changes->restarts) {
    plan.stages.push_back(
        core::plan_restart(rollout.site.cluster->view(), restart.pod, reason_of(restart)));
  }
  return plan;
}

Status roll_out(const Rollout& rollout,
                const core::Plan& plan,
                const std::function<Status(const core::Plan&)>& agree,
                const Conduct& conduct) {
  if (plan.stages.front().title == k_live_title) {
    KREDIS_CHECK(apply_plan(rollout.site, {.stages = {plan.stages.front()}}, conduct));
  }
  KREDIS_TRY(core::Plan left, plan_rollout(rollout, wire::Attempt::after_live, conduct));
  while (!left.empty()) {
    if (core::worst_risk(left) > core::worst_risk(plan)) {
      KREDIS_CHECK(agree(left));
    }
    KREDIS_CHECK(apply_plan(rollout.site, {.stages = {left.stages.front()}}, conduct));
    const std::size_t before = left.stages.size();
    KREDIS_TRY(left, plan_rollout(rollout, wire::Attempt::after_live, conduct));
    if (left.stages.size() >= before) {
      return still_differs(rollout, left.stages.front());
    }
  }
  return {};
}

}  // namespace kredis::plugin
