// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis status`: the tree, what a lost node would cost, findings; once or again and again.
#include <chrono>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/terminal/clean_stream.hpp"
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

Result<core::ClusterView> look_at_one(const StatusFlags& options,
                                      const observe::Located& located,
                                      ports::Deadline deadline,
                                      Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(core::ClusterView view, look_at(session, located, options.cluster.access, deadline));
  observe::explain_unready(*kube, located, view);
  view.change = change_of(session, located, view);
  return view;
}

/// Several workloads may be one cluster, which the first of them shows with all of its pods. One
/// that cannot be looked at hides no other.
Result<ExitStatus> show_all(const StatusFlags& options, Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto clusters, observe::locate_all(*kube, ""));
  const auto deadline = session.clock().now() + options.timeout;
  std::vector<core::ClusterView> views;
  std::set<std::pair<std::string, std::string>> shown;
  for (const observe::Located& located : clusters) {
    if (shown.contains({located.namespace_, located.owners.front().to_text()})) {
      continue;
    }
    auto view = look_at_one(options, located, deadline, session);
    if (!view) {
      session.err() << "cannot look at " << located.namespace_ << "/" << located.name << ": "
                    << view.error().message << "\n";
      view = core::ClusterView{.name = located.name,
                               .namespace_ = located.namespace_,
                               .made_by = observe::maker_of(located.workload)};
    }
    for (const core::Member& member : view->members) {
      shown.emplace(located.namespace_, member.pod.owner);
    }
    views.push_back(std::move(*view));
  }
  return show_statuses(session, std::move(views), options.output);
}

Result<ExitStatus> show_once(const StatusFlags& options, Session& session) {
  if (options.all_namespaces) {
    return show_all(options, session);
  }
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  KREDIS_TRY(core::ClusterView view,
             look_at_one(options, located, session.clock().now() + options.timeout, session));
  return show_status(session, std::move(view), options.output);
}

Result<ExitStatus> run_status(const StatusFlags& options, Session& session) {
  if (!options.watch) {
    return show_once(options, session);
  }
  while (!session.terminal().interrupted()) {
    if (session.style().coloured()) {
      session.out() << Own{"\033[H\033[2J"};
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
