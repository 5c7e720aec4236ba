// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis failover`: hands masters over to replicas, one, or all of a node or zone.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/failover/hand_over.hpp"
#include "plugin/render/failover_text.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/observe/gather.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/wire/failover_report.hpp"

namespace kredis::plugin {
namespace {

using core::FailoverWish;
using core::HandOver;

struct FailoverFlags {
  ClusterWish cluster = {};
  std::string pod = {};
  std::string master = {};
  std::string node = {};
  std::string zone = {};
  bool force = false;
  bool takeover = false;
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
  Output output = Output::text;
};

Result<FailoverWish> wish_of(const FailoverFlags& options) {
  const std::vector<std::pair<FailoverWish::Of, const std::string*>> all = {
      {FailoverWish::Of::pod, &options.pod},
      {FailoverWish::Of::master, &options.master},
      {FailoverWish::Of::node, &options.node},
      {FailoverWish::Of::zone, &options.zone}};
  FailoverWish wish;
  int given = 0;
  for (const auto& [of, name] : all) {
    if (!name->empty()) {
      wish.of = of;
      wish.name = *name;
      ++given;
    }
  }
  if (given != 1) {
    return Error::invalid_argument("say which masters are to hand over")
        .with_hint("give one of --pod, --master, --node and --zone");
  }
  wish.how = options.takeover ? core::TakeOver::takeover
             : options.force  ? core::TakeOver::force
                              : core::TakeOver::in_step;
  return wish;
}

void show(const wire::FailoverReport& report, Session& session, Output output) {
  if (output != Output::text) {
    session.print_object(wire::failover_report(report), output);
  } else if (report.hand_overs.empty()) {
    session.out() << "nothing to do: no master is to hand over\n";
  } else if (report.dry_run) {
    session.out() << render_plan(core::plan_failover(report.hand_overs));
  } else {
    session.out() << render_failover(report, session.style());
  }
}

Result<ExitStatus> show_plan(const FailoverFlags& options,
                             const FailoverWish& wish,
                             const observe::Located& located,
                             Session& session) {
  KREDIS_TRY(
      const core::ClusterView view,
      look_at(session, located, options.cluster.access, session.clock().now() + options.timeout));
  KREDIS_TRY(auto hand_overs, core::plan_hand_overs(view, wish));
  show({.name = view.name,
        .namespace_ = view.namespace_,
        .hand_overs = std::move(hand_overs),
        .dry_run = true},
       session,
       options.output);
  return ExitStatus::done;
}

Result<ExitStatus> hand_masters_over(const FailoverFlags& options,
                                     const FailoverWish& wish,
                                     const observe::Located& located,
                                     Session& session) {
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  KREDIS_TRY(const auto lease,
             begin_change(session, located, options.cluster.access, "failover", conduct));
  KREDIS_TRY(const auto reached, reach(session, located, options.cluster.access));
  KREDIS_CHECK(reached->cluster.find_pods());
  conduct.begin("failing over " + located.name);
  const auto agreed = [&](const core::Plan& plan) {
    return agree(session, plan, located.name, options.yes ? Ask::no : Ask::yes);
  };
  auto outcome = fail_over(reached->cluster, {.wish = wish, .agree = agreed}, conduct);
  if (!outcome) {
    conduct.failed();
    return outcome.error().while_doing("failing over cluster " + located.name + " in namespace " +
                                       located.namespace_);
  }
  conduct.done(outcome->hand_overs.empty() ? "nothing to do" : "failed over");
  show({.name = located.name,
        .namespace_ = located.namespace_,
        .hand_overs = outcome->hand_overs,
        .silent = outcome->silent,
        .took = outcome->took},
       session,
       options.output);
  return ExitStatus::done;
}

Result<ExitStatus> run_failover(const FailoverFlags& options, Session& session) {
  KREDIS_TRY(const FailoverWish wish, wish_of(options));
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  return options.dry_run == DryRun::none ? hand_masters_over(options, wish, located, session)
                                         : show_plan(options, wish, located, session);
}

void add_flags(Verb& verb, FailoverFlags& flags) {
  add_cluster(verb, flags.cluster);
  verb.option(
      "--pod", flags.pod, "A replica, which takes over, or a master, whose best replica does");
  verb.option("--master", flags.master, "The master to relieve: its pod, or its id's start");
  verb.option("--node", flags.node, "Relieve every master on this Kubernetes node");
  verb.option("--zone", flags.zone, "Relieve every master in this zone");
  const Flag force =
      verb.flag("--force", flags.force, "Without the master's help; may lose writes, so it asks");
  verb.flag("--takeover",
            flags.takeover,
            "Without a vote either, where no majority is left; may lose writes, so it asks")
      .excludes(force);
  add_yes(verb, flags.yes);
  add_dry_run(verb, flags.dry_run, "Print the plan and stop");
  add_timeout(verb, flags.timeout, "Longest wait until every node shows it");
  add_output(verb, flags.output, {Output::text, Output::json, Output::yaml});
}

}  // namespace

void add_failover(Verb& root) {
  const auto flags = std::make_shared<FailoverFlags>();
  Verb verb =
      root.subcommand("failover", "Hand masters over to replicas, before work on a pod or node");
  add_flags(verb, *flags);
  verb.footer(
      "The master holds writes for the moment that its replica needs to have them all, so nothing is "
      "lost. Ends when every\nnode shows the new roles and the old master follows in sync. --master, "
      "--node and --zone change nothing when run\nagain; --pod hands over each time. The JSON is "
      "described in docs/failover-json.md.\n\n"
      "Examples:\n"
      "  kubectl redis failover --pod redis-app-3        # redis-app-3 becomes master of its shard\n"
      "  kubectl redis failover --master redis-app-0     # its best replica takes over\n"
      "  kubectl redis failover --node worker-2 --dry-run\n"
      "  kubectl redis failover shop -n web --zone zone-a\n"
      "  kubectl redis failover drill                    # what if a master went away unasked?");
  add_drill(verb);
  verb.run(flags, run_failover);
}

}  // namespace kredis::plugin
