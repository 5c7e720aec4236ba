// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis init`: makes one cluster of pods that are there already, whoever created them.
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"

namespace kredis::plugin {
namespace {

struct InitFlags {
  ClusterWish cluster = {};
  std::optional<int> replicas = {};
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
  Output output = Output::text;
  DryRun dry_run = DryRun::none;
};

/// What --replicas asks for; nothing said means what the workload's annotations say.
Result<core::Shape> shape_of(const InitFlags& options) {
  if (options.replicas.value_or(0) < 0) {
    return Error::invalid_argument("--replicas cannot be negative")
        .with_hint("0 makes every pod a master; 1 gives each master one replica");
  }
  core::Shape shape;
  shape.inferred = !options.replicas;
  shape.replicas = static_cast<std::uint32_t>(options.replicas.value_or(1));
  return shape;
}

Result<ExitStatus> run_init(const InitFlags& options, Session& session) {
  KREDIS_TRY(const core::Shape shape, shape_of(options));
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_CHECK(observe::check_told_apart(*kube, located));
  const auto deadline = session.clock().now() + options.timeout;
  if (options.dry_run != DryRun::none) {
    return show_init_plan(session, located, options.cluster.access, shape, deadline);
  }
  Conduct conduct = conduct_of(session, deadline);
  KREDIS_TRY(const auto lease,
             begin_change(session, located, options.cluster.access, "init", conduct));
  KREDIS_TRY(const auto view,
             initialise_cluster(session, located, options.cluster.access, shape, conduct));
  return show_status(session, view, options.output);
}

}  // namespace

void add_init(Verb& root) {
  const auto flags = std::make_shared<InitFlags>();
  Verb verb = root.subcommand("init", "Make one cluster of pods that are there already");
  add_cluster(verb, flags->cluster);
  verb.option("--replicas",
              flags->replicas,
              "Replicas of each master (default: what the workload says, else 1)");
  add_timeout(verb, flags->timeout, "Longest wait for the nodes to join");
  add_dry_run(verb, flags->dry_run, "Print the plan and stop");
  add_output(verb, flags->output, {Output::text, Output::wide, Output::json, Output::yaml});
  verb.footer(
      "Refuses nodes that hold keys or belong to another cluster; finishes a half-made one.\n\n"
      "Examples:\n"
      "  kubectl redis init                           # the StatefulSet redis-app, or redis\n"
      "  kubectl redis init --selector app=redis --replicas 1\n"
      "  kubectl redis init shop -n web --dry-run");
  verb.run(flags, run_init);
}

}  // namespace kredis::plugin
