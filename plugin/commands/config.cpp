// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis config diff` and `apply`: what the nodes run against the redis.conf they mount.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/config/rollout.hpp"
#include "plugin/render/config_text.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::plugin {
namespace {

struct ConfigFlags {
  ClusterWish cluster = {};
  std::chrono::milliseconds timeout = {};
  Output output = Output::text;
  DryRun dry_run = DryRun::none;
  bool yes = false;
};

/// What both verbs start from.
struct Scene {
  std::unique_ptr<ReachedCluster> reached;
  ConfigSource source;
  Conduct conduct;

  Rollout rollout() const { return {reached->site, source, reached->access}; }
};

Result<Scene> scene_of(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(auto reached, reach(session, options.cluster));
  KREDIS_TRY(ConfigSource source, mounted_config(reached->kube, reached->located));
  return Scene{std::move(reached),
               std::move(source),
               conduct_of(session, session.clock().now() + options.timeout)};
}

wire::DriftReport report_of(const Scene& scene, const std::vector<wire::NodeConfig>& nodes) {
  return {.cluster = scene.reached->located.name,
          .namespace_ = scene.reached->located.namespace_,
          .config_map = scene.source.config_map,
          .key = scene.source.key,
          .config = scene.source.config,
          .pods = nodes.size(),
          .drifts = wire::drift_by_node(scene.source.config, nodes)};
}

Result<ExitStatus> run_diff(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(const Scene scene, scene_of(options, session));
  KREDIS_TRY(const auto nodes,
             look_at_configs(scene.reached->cluster, scene.source.config, scene.conduct));
  const wire::DriftReport report = report_of(scene, nodes);
  if (options.output == Output::text) {
    session.out() << render_drift(report, session.style());
  } else {
    session.print_object(wire::drift_report(report), options.output);
  }
  return report.drifts.empty() ? ExitStatus::done : ExitStatus::refused;
}

Result<ExitStatus> run_apply(const ConfigFlags& options, Session& session) {
  KREDIS_TRY(Scene scene, scene_of(options, session));
  const std::string& name = scene.reached->located.name;
  std::unique_ptr<ChangeLease> lease;
  if (options.dry_run == DryRun::none) {
    KREDIS_TRY(lease,
               begin_change(session,
                            scene.reached->located,
                            options.cluster.access,
                            "config apply",
                            scene.conduct));
  }
  KREDIS_CHECK(await_whole(scene.reached->cluster, scene.conduct));
  KREDIS_TRY(const core::Plan plan,
             plan_rollout(scene.rollout(), wire::Attempt::first, scene.conduct));
  const std::string says = "every node runs what " + scene.source.key + " of ConfigMap " +
                           scene.source.config_map + " says\n";
  if (plan.empty()) {
    session.out() << "nothing to do: " << says;
    return ExitStatus::done;
  }
  session.out() << render_plan(plan) << std::flush;
  if (options.dry_run != DryRun::none) {
    return ExitStatus::done;
  }
  const auto agreed = [&](const core::Plan& what) {
    return agree(session, what, name, options.yes ? Ask::no : Ask::yes);
  };
  KREDIS_CHECK(agreed(plan));
  KREDIS_CHECK(roll_out(scene.rollout(), plan, agreed, scene.conduct));
  session.out() << "done: " << says;
  return ExitStatus::done;
}

void add_common(Verb& verb, ConfigFlags& flags, std::chrono::milliseconds timeout) {
  flags.timeout = timeout;
  add_cluster(verb, flags.cluster);
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
