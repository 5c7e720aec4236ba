// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis config diff` and `apply`: what the nodes run against the redis.conf they mount.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/config/rollout.hpp"
#include "plugin/render/config_text.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {
namespace {

struct ConfigFlags {
  std::string name = "redis";
  observe::RedisAccess access = {};
  std::chrono::milliseconds timeout = {};
  Output output = Output::text;
  DryRun dry_run = DryRun::none;
  bool yes = false;
};

/// What both verbs start from.
struct Scene {
  observe::Located located = {};
  observe::RedisAccess access = {};
  ConfigSource source = {};
  std::unique_ptr<ports::RedisPort> redis = {};
  ports::Deadline deadline = {};

  RolloutTarget target(ports::KubePort& kube) const { return {kube, *redis, located, deadline}; }
};

Result<Scene> scene_of(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  Scene scene{.deadline = ports::Clock::now() + options.timeout};
  KREDIS_TRY(scene.located, observe::locate(*kube, namespace_, options.name));
  KREDIS_TRY(scene.source, mounted_config(*kube, scene.located));
  scene.access = observe::access_of(scene.located.workload, options.access);
  KREDIS_TRY(scene.redis, session.redis(namespace_, scene.access));
  return scene;
}

wire::DriftReport report_of(const Scene& scene, const std::vector<wire::NodeConfig>& nodes) {
  return {.cluster = scene.located.name,
          .namespace_ = scene.located.namespace_,
          .config_map = scene.source.config_map,
          .key = scene.source.key,
          .config = scene.source.config,
          .pods = nodes.size(),
          .drifts = wire::drift_by_node(scene.source.config, nodes)};
}

Result<ExitStatus> run_diff(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(const Scene scene, scene_of(options, session));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto nodes, look_at_configs(scene.target(*kube), scene.source.config));
  const wire::DriftReport report = report_of(scene, nodes);
  if (options.output == Output::text) {
    session.out() << render_drift(report, session.style());
  } else {
    session.print_object(wire::drift_report(report), options.output);
  }
  return report.drifts.empty() ? ExitStatus::done : ExitStatus::refused;
}

/// Looks at all nodes and plans for what differs now.
Result<wire::ConfigPlan> plan_now(const Scene& scene,
                                  ports::KubePort& kube,
                                  wire::Attempt attempt) {
  KREDIS_TRY(const auto nodes, look_at_configs(scene.target(kube), scene.source.config));
  auto plan = wire::plan_config(
      scene.source.config, nodes, rules_of(scene.source.config, scene.access), attempt);
  if (!plan) {
    return plan.error().while_doing("judging " + scene.source.key + " of ConfigMap " +
                                    scene.source.config_map);
  }
  return plan;
}

Status agree_to_outage(const ConfigFlags& options,
                       const wire::PodRestart& restart,
                       Session& session) {
  if (!restart.is_outage || options.yes ||
      session.confirm(
          restart.pod +
          " has no replica in step: while it restarts its slots are not served, and data "
          "that is not on a volume is lost. Go on?")) {
    return {};
  }
  return Error::unsafe("restarting " + restart.pod + " takes its slots away for a while")
      .with_hint("add a replica or wait until one is in step, or say --yes");
}

Error still_differs(const Scene& scene, const wire::PodRestart& restart) {
  const wire::Drift& drift = restart.drifts.front();
  return Error::conflict(
             fmt::format("{} still runs {} with another value than line {} of ConfigMap {} says",
                         restart.pod,
                         drift.name,
                         drift.line,
                         scene.source.config_map))
      .with_hint("see both: kubectl redis config diff " + scene.located.name + " -n " +
                 scene.located.namespace_);
}

/// Restarts whatever still differs, one pod after the other, and plans anew after each: roles
/// change.
Status restart_the_rest(const ConfigFlags& options, const Scene& scene, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(wire::ConfigPlan plan, plan_now(scene, *kube, wire::Attempt::after_live));
  while (!plan.restarts.empty()) {
    const wire::PodRestart next = plan.restarts.front();
    KREDIS_CHECK(agree_to_outage(options, next, session));
    session.progress().begin("restarting " + next.pod);
    if (auto done = restart_pod(scene.target(*kube), next.pod, session.progress()); !done) {
      session.progress().fail();
      return done.error().while_doing("restarting " + next.pod);
    }
    session.progress().done("restarted " + next.pod);
    const std::size_t before = plan.restarts.size();
    KREDIS_TRY(plan, plan_now(scene, *kube, wire::Attempt::after_live));
    if (plan.restarts.size() >= before) {
      return still_differs(scene, plan.restarts.front());
    }
  }
  return {};
}

Result<ExitStatus> run_apply(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(const Scene scene, scene_of(options, session));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_CHECK(await_whole(scene.target(*kube), session.progress()));
  KREDIS_TRY(const wire::ConfigPlan plan, plan_now(scene, *kube, wire::Attempt::first));
  if (plan.empty()) {
    session.out() << "nothing to do: every node runs what " << scene.source.key << " of ConfigMap "
                  << scene.source.config_map << " says\n";
    return ExitStatus::done;
  }
  session.out() << render_config_plan(plan) << std::flush;
  if (options.dry_run != DryRun::none) {
    return ExitStatus::done;
  }
  for (const wire::PodRestart& restart : plan.restarts) {
    KREDIS_CHECK(agree_to_outage(options, restart, session));
  }
  if (!plan.live.empty()) {
    session.progress().begin("setting what can be set live");
    KREDIS_CHECK(set_live(scene.target(*kube), plan));
    session.progress().done();
  }
  KREDIS_CHECK(restart_the_rest(options, scene, session));
  session.out() << "done: every node runs what " << scene.source.key << " of ConfigMap "
                << scene.source.config_map << " says\n";
  return ExitStatus::done;
}

void add_common(Verb& verb, ConfigFlags& flags, std::chrono::milliseconds timeout) {
  flags.timeout = timeout;
  add_name(verb, flags.name);
  add_access(verb, flags.access);
  add_timeout(verb, flags.timeout, "Longest time for all of it");
}

void add_diff(Verb& config) {
  const auto flags = std::make_shared<ConfigFlags>();
  Verb verb = config.subcommand("diff", "Show where nodes run other settings than redis.conf has");
  add_common(verb, *flags, std::chrono::seconds(15));
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml});
  verb.footer(
      "Compares what values mean: 1gb is 1073741824. A line that was removed from the file is no\n"
      "drift: it has no value to compare with. Exit status 3 when something differs.\n\n"
      "Examples:\n  kubectl redis config diff\n  kubectl redis config diff shop -n web -o json");
  verb.run(flags, run_diff);
}

void add_apply(Verb& config) {
  const auto flags = std::make_shared<ConfigFlags>();
  Verb verb =
      config.subcommand("apply", "Roll an edited redis.conf out, live where that is possible");
  add_common(verb, *flags, std::chrono::minutes(30));
  add_dry_run(verb, flags->dry_run, "Print the plan and stop");
  add_yes(verb, flags->yes);
  verb.footer(
      "Settings that a server takes while it runs are set; for the others pods restart one at a time,\n"
      "replicas first, masters after a hand-over, each once the one before is in step. Run it again to\n"
      "finish what was interrupted.\n\n"
      "Examples:\n"
      "  kubectl edit configmap redis-conf && kubectl redis config apply\n"
      "  kubectl redis config apply shop -n web --dry-run");
  verb.run(flags, run_apply);
}

}  // namespace

void add_config(Verb& root) {
  Verb group = root.group("config", "Compare and roll out redis.conf");
  group.footer("Examples:\n  kubectl redis config diff\n  kubectl redis config apply --dry-run");
  add_diff(group);
  add_apply(group);
}

}  // namespace kredis::plugin
