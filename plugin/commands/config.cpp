// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis config diff` and `apply`: what the nodes run against the redis.conf they mount.
#include <memory>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/operations/config/rollout.hpp"
#include "plugin/render/config_text.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

struct ConfigOptions {
  std::string name = "redis";
  observe::RedisAccess access = {};
  std::string timeout = {};
  std::string output = {};
  bool dry_run = false;
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

Result<Scene> scene_of(const ConfigOptions& options, Session& session) {
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  Scene scene{.deadline = ports::Clock::now() + timeout};
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

Result<ExitStatus> run_diff(const ConfigOptions& options, Session& session) {
  KREDIS_TRY(const Output output,
             parse_output(options.output, {Output::text, Output::json, Output::yaml}));
  KREDIS_TRY(const Scene scene, scene_of(options, session));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto nodes, look_at_configs(scene.target(*kube), scene.source.config));
  const wire::DriftReport report = report_of(scene, nodes);
  if (output == Output::text) {
    session.out() << render_drift(report, session.style());
  } else {
    session.print_object(wire::drift_report(report), output);
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

Status agree_to_outage(const ConfigOptions& options,
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
Status restart_the_rest(const ConfigOptions& options, const Scene& scene, Session& session) {
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

Result<ExitStatus> run_apply(const ConfigOptions& options, Session& session) {
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
  if (options.dry_run) {
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

void add_common(CLI::App& verb, ConfigOptions& options, const std::string& timeout) {
  options.timeout = timeout;
  verb.add_option("NAME", options.name, "Name of the cluster, or of a StatefulSet")
      ->capture_default_str();
  verb.add_option("--auth-secret", options.access.auth_secret, "Secret with the key \"password\"");
  verb.add_option(
      "--tls-secret", options.access.tls_secret, "Secret with ca.crt, tls.crt and tls.key");
  verb.add_option("--timeout", options.timeout, "Longest time for all of it")
      ->capture_default_str();
}

void add_diff(CLI::App& config, Operation& chosen) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* verb =
      config.add_subcommand("diff", "Show where nodes run other settings than redis.conf has");
  add_common(*verb, *options, "15s");
  verb->add_option("-o,--output", options->output, "json or yaml");
  verb->footer(
      "Compares what values mean: 1gb is 1073741824. A line that was removed from the file is no\n"
      "drift: it has no value to compare with. Exit status 3 when something differs.\n\n"
      "Examples:\n  kubectl redis config diff\n  kubectl redis config diff shop -n web -o json");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_diff(*options, session); };
  });
}

void add_apply(CLI::App& config, Operation& chosen) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* verb =
      config.add_subcommand("apply", "Roll an edited redis.conf out, live where that is possible");
  add_common(*verb, *options, "30m");
  verb->add_flag("--dry-run", options->dry_run, "Print the plan and stop");
  verb->add_flag("-y,--yes", options->yes, "Do not ask");
  verb->footer(
      "Settings that a server takes while it runs are set; for the others pods restart one at a time,\n"
      "replicas first, masters after a hand-over, each once the one before is in step. Run it again to\n"
      "finish what was interrupted.\n\n"
      "Examples:\n"
      "  kubectl edit configmap redis-conf && kubectl redis config apply\n"
      "  kubectl redis config apply shop -n web --dry-run");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_apply(*options, session); };
  });
}

}  // namespace

void add_config(CLI::App& root, Operation& chosen) {
  CLI::App* verb = root.add_subcommand("config", "Compare and roll out redis.conf");
  verb->require_subcommand(1);
  verb->footer("Examples:\n  kubectl redis config diff\n  kubectl redis config apply --dry-run");
  add_diff(*verb, chosen);
  add_apply(*verb, chosen);
}

}  // namespace kredis::plugin
