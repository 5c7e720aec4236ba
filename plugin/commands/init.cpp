// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis init`: makes one cluster of pods that are there already, whoever created them.
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/verbs.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

struct InitFlags {
  std::string name = "redis";
  std::string selector = {};
  std::optional<int> replicas = {};
  observe::RedisAccess access = {};
  std::string timeout = "2m";
  std::string output = {};
  bool dry_run = false;
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
  KREDIS_TRY(
      const Output output,
      parse_output(options.output, {Output::text, Output::wide, Output::json, Output::yaml}));
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(const core::Shape shape, shape_of(options));
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(const observe::Located located,
             options.selector.empty()
                 ? observe::locate(*kube, namespace_, options.name)
                 : observe::locate_by_selector(*kube, namespace_, options.selector));
  const auto deadline = ports::Clock::now() + timeout;
  if (options.dry_run) {
    return show_init_plan(session, located, options.access, shape, deadline);
  }
  KREDIS_TRY(const auto view,
             initialise_cluster(session, located, options.access, shape, deadline));
  return show_status(session, view, output);
}

}  // namespace

void add_init(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<InitFlags>();
  CLI::App* verb = root.add_subcommand("init", "Make one cluster of pods that are there already");
  verb->add_option("NAME", options->name, "Name of the cluster, or of a StatefulSet")
      ->capture_default_str();
  verb->add_option("-l,--selector", options->selector, "Labels of the pods, instead of a NAME");
  verb->add_option("--replicas",
                   options->replicas,
                   "Replicas of each master (default: what the workload says, else 1)");
  verb->add_option(
      "--auth-secret", options->access.auth_secret, "Secret with the key \"password\"");
  verb->add_option(
      "--tls-secret", options->access.tls_secret, "Secret with ca.crt, tls.crt and tls.key");
  verb->add_option("--timeout", options->timeout, "Longest wait for the nodes to join")
      ->capture_default_str();
  verb->add_flag("--dry-run", options->dry_run, "Print the plan and stop");
  verb->add_option("-o,--output", options->output, "json, yaml or wide");
  verb->footer(
      "Refuses nodes that hold keys or belong to another cluster; finishes a half-made one.\n\n"
      "Examples:\n"
      "  kubectl redis init                           # the StatefulSet redis-app, or redis\n"
      "  kubectl redis init --selector app=redis --replicas 1\n"
      "  kubectl redis init shop -n web --dry-run");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_init(*options, session); };
  });
}

}  // namespace kredis::plugin
