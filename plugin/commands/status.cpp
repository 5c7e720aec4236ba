// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis status`: the tree, what a lost node would cost, findings; once or again and again.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "shared/observe/gather.hpp"

namespace kredis::plugin {
namespace {

struct StatusFlags {
  ClusterWish cluster = {};
  bool all_namespaces = false;
  bool watch = false;
  std::chrono::milliseconds interval = std::chrono::seconds(2);
  std::chrono::milliseconds timeout = std::chrono::seconds(15);
  Output output = Output::text;
};

Result<std::vector<observe::Located>> find_clusters(const StatusFlags& options, Session& session) {
  if (options.all_namespaces) {
    KREDIS_TRY(ports::KubePort * kube, session.kube());
    return observe::locate_all(*kube, "");
  }
  KREDIS_TRY(observe::Located one, find_cluster(session, options.cluster));
  return std::vector<observe::Located>{std::move(one)};
}

Result<ExitStatus> show_once(const StatusFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto clusters, find_clusters(options, session));
  const auto deadline = session.clock().now() + options.timeout;
  std::vector<core::ClusterView> views;
  for (const observe::Located& located : clusters) {
    KREDIS_TRY(core::ClusterView view, look_at(session, located, options.cluster.access, deadline));
    observe::explain_unready(*kube, located, view);
    views.push_back(std::move(view));
  }
  if (options.all_namespaces) {
    return show_statuses(session, std::move(views), options.output);
  }
  return show_status(session, std::move(views.front()), options.output);
}

Result<ExitStatus> run_status(const StatusFlags& options, Session& session) {
  if (!options.watch) {
    return show_once(options, session);
  }
  while (!session.terminal().interrupted()) {
    if (session.style().coloured()) {
      session.out() << "\033[H\033[2J";
    }
    const auto shown = show_once(options, session);
    if (!shown) {
      // A cluster that cannot be seen for a moment is what one watches for.
      session.out() << "cannot look: " << shown.error().message << "\n";
    }
    session.out() << std::flush;
    session.clock().sleep_until(session.clock().now() + options.interval);
  }
  return ExitStatus::done;
}

}  // namespace

void add_status(Verb& root) {
  const auto flags = std::make_shared<StatusFlags>();
  Verb verb = root.subcommand("status", "Show who is master of what, where, and what is wrong");
  const Flag name = add_cluster(verb, flags->cluster);
  verb.flag("-A,--all-namespaces", flags->all_namespaces, "All clusters, a line each")
      .excludes(name);
  verb.flag("-w,--watch", flags->watch, "Look again and again");
  verb.option("--interval", flags->interval, "Pause between two looks");
  add_timeout(verb, flags->timeout, "Longest time to ask the nodes");
  add_output(verb, flags->output, {Output::text, Output::wide, Output::json, Output::yaml});
  verb.footer(
      "Exit status 3 when a finding has severity error. The JSON is described in "
      "docs/status-json.md.\n\n"
      "Examples:\n  kubectl redis status\n  kubectl redis status shop -n web -o json\n"
      "  kubectl redis status -A\n  kubectl redis status --watch");
  verb.run(flags, run_status);
}

}  // namespace kredis::plugin
