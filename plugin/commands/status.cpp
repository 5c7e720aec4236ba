// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis status`: the tree, what a lost node would cost, findings; once or again and again.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/observe/gather.hpp"
#include "shared/wire/duration.hpp"

namespace kredis::plugin {
namespace {

struct StatusOptions {
  std::string name = "redis";
  std::string selector = {};
  bool all_namespaces = false;
  bool watch = false;
  std::string interval = "2s";
  std::string timeout = "15s";
  observe::RedisAccess access = {};
  std::string output = {};
};

Result<std::vector<observe::Located>> find_clusters(const StatusOptions& options,
                                                    ports::KubePort& kube,
                                                    const std::string& namespace_) {
  if (options.all_namespaces) {
    return observe::locate_all(kube, "");
  }
  auto one = options.selector.empty()
                 ? observe::locate(kube, namespace_, options.name)
                 : observe::locate_by_selector(kube, namespace_, options.selector);
  return one ? Result<std::vector<observe::Located>>(std::vector<observe::Located>{std::move(*one)})
             : Result<std::vector<observe::Located>>(one.error());
}

Result<ExitStatus> show_once(const StatusOptions& options,
                             Session& session,
                             Output output,
                             std::chrono::milliseconds timeout) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const std::string namespace_, session.namespace_name());
  KREDIS_TRY(const auto clusters, find_clusters(options, *kube, namespace_));
  const auto deadline = ports::Clock::now() + timeout;
  std::vector<core::ClusterView> views;
  for (const observe::Located& located : clusters) {
    KREDIS_TRY(core::ClusterView view, look_at(session, located, options.access, deadline));
    observe::explain_unready(*kube, located, view);
    views.push_back(std::move(view));
  }
  if (options.all_namespaces) {
    return show_statuses(session, std::move(views), output);
  }
  return show_status(session, std::move(views.front()), output);
}

Result<ExitStatus> run_status(const StatusOptions& options, Session& session) {
  KREDIS_TRY(
      const Output output,
      parse_output(options.output, {Output::text, Output::wide, Output::json, Output::yaml}));
  KREDIS_TRY(const auto timeout, wire::parse_duration(options.timeout));
  KREDIS_TRY(const auto interval, wire::parse_duration(options.interval));
  if (!options.watch) {
    return show_once(options, session, output, timeout);
  }
  while (!interrupted()) {
    if (session.style().coloured()) {
      session.out() << "\033[H\033[2J";
    }
    const auto shown = show_once(options, session, output, timeout);
    if (!shown) {
      // A cluster that cannot be seen for a moment is what one watches for.
      session.out() << "cannot look: " << shown.error().message << "\n";
    }
    session.out() << std::flush;
    std::this_thread::sleep_for(interval);
  }
  return ExitStatus::done;
}

}  // namespace

void add_status(CLI::App& root, Operation& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* verb =
      root.add_subcommand("status", "Show who is master of what, where, and what is wrong");
  verb->add_option("NAME", options->name, "Name of the cluster, or of a StatefulSet")
      ->capture_default_str();
  verb->add_flag("-A,--all-namespaces", options->all_namespaces, "All clusters, a line each");
  verb->add_option("-l,--selector", options->selector, "Labels of the pods, instead of a NAME");
  verb->add_flag("-w,--watch", options->watch, "Look again and again");
  verb->add_option("--interval", options->interval, "Pause between two looks")
      ->capture_default_str();
  verb->add_option("--timeout", options->timeout, "Longest time to ask the nodes")
      ->capture_default_str();
  verb->add_option(
      "--auth-secret", options->access.auth_secret, "Secret with the key \"password\"");
  verb->add_option(
      "--tls-secret", options->access.tls_secret, "Secret with ca.crt, tls.crt and tls.key");
  verb->add_option("-o,--output", options->output, "json, yaml or wide");
  verb->footer(
      "Exit status 3 when a finding has severity error. The JSON is described in "
      "docs/status-json.md.\n\n"
      "Examples:\n  kubectl redis status\n  kubectl redis status shop -n web -o json\n"
      "  kubectl redis status -A\n  kubectl redis status --watch");
  verb->callback([options, &chosen] {
    chosen = [options](Session& session) { return run_status(*options, session); };
  });
}

}  // namespace kredis::plugin
