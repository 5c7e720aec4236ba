// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis failover drill`: takes a master away on purpose and measures how the cluster
// copes.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/failover/drill.hpp"
#include "plugin/render/drill_text.hpp"
#include "shared/observe/gather.hpp"
#include "shared/observe/redis_access.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::plugin {
namespace {

using wire::DrillReport;
using wire::DrillStrike;

struct DrillFlags {
  ClusterWish cluster = {};
  std::string pod = {};
  std::string master = {};
  DrillStrike by = DrillStrike::delete_pod;
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(5);
  Output output = Output::text;
};

/// What a drill works with, once the cluster is found and the victim is chosen.
struct Stage {
  observe::Located located;
  std::unique_ptr<ports::RedisPort> redis;
  core::ClusterView view;
  DrillReport report;
};

Result<Stage> set_up(const DrillFlags& options, Session& session, ports::Deadline deadline) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(observe::Located located, find_cluster(session, options.cluster));
  KREDIS_TRY(core::ClusterView view, look_at(session, located, options.cluster.access, deadline));
  const std::string& master = options.pod.empty() ? options.master : options.pod;
  if (!options.pod.empty() && view.by_pod(options.pod) == nullptr) {
    return Error::not_found("cluster " + view.name + " has no pod " + options.pod)
        .with_hint("see them: kubectl redis status " + view.name + session.namespace_flag());
  }
  KREDIS_TRY(core::Drill drill,
             core::plan_drill(view, {.master = master, .dice = std::random_device{}()}));
  KREDIS_TRY(
      auto redis,
      session.redis(located.namespace_,
                    observe::find_access(
                        *kube, located.namespace_, located.workload, options.cluster.access)));
  DrillReport report{.name = located.name,
                     .namespace_ = located.namespace_,
                     .strike = options.by,
                     .drill = std::move(drill),
                     .dry_run = options.dry_run != DryRun::none};
  return Stage{std::move(located), std::move(redis), std::move(view), std::move(report)};
}

/// The means, ready to be used. Errors: unsafe (the pod would come back as a stranger).
Result<std::unique_ptr<Strike>> strike_of(const Stage& stage,
                                          ports::KubePort& kube,
                                          ports::Deadline deadline) {
  const core::Pod& pod = stage.report.drill.pod;
  if (stage.report.strike == DrillStrike::freeze) {
    return strike_by_freezing(
        *stage.redis,
        {.namespace_ = stage.located.namespace_, .pod = pod.name, .host = pod.ip, .port = pod.port},
        deadline);
  }
  KREDIS_TRY(const Json object, kube.get({{"v1", "pods"}, stage.located.namespace_, pod.name}));
  if (!wire::keeps_data(object)) {
    return Error::unsafe(pod.name +
                         " keeps its data in itself (no volume outlives the pod), so it "
                         "would come back as a stranger, and the cluster would stay a "
                         "node short")
        .with_hint("drill with --by freeze, which leaves the pod where it is");
  }
  return strike_by_deleting(kube,
                            stage.located.namespace_,
                            pod.name,
                            object.value("/metadata/uid"_json_pointer, std::string()));
}

ExitStatus show(const DrillReport& report, Session& session, Output output) {
  if (output != Output::text) {
    session.print_object(wire::drill_report(report), output);
  } else {
    session.out() << (report.dry_run ? render_drill_plan(report)
                                     : render_drill(report, session.style()));
  }
  const bool well = report.dry_run || (report.missing.empty() && report.probe.lost_writes == 0);
  return well ? ExitStatus::done : ExitStatus::refused;
}

Result<ExitStatus> drill(const DrillFlags& options,
                         Stage stage,
                         ports::Deadline deadline,
                         Session& session) {
  KREDIS_TRY(ports::KubePort * kube, session.kube());
  KREDIS_TRY(const auto strike, strike_of(stage, *kube, deadline));
  if (options.dry_run != DryRun::none) {
    return show(stage.report, session, options.output);
  }
  KREDIS_CHECK(agree(session,
                     core::Risk::availability,
                     render_drill_plan(stage.report),
                     stage.report.name,
                     options.yes ? Ask::no : Ask::yes));
  Conduct conduct = conduct_of(session, deadline);
  KREDIS_TRY(
      const auto lease,
      begin_change(session, stage.located, options.cluster.access, "failover drill", conduct));
  session.progress().begin("drilling " + stage.report.name);
  std::random_device random;
  auto outcome = run_drill({.redis = *stage.redis,
                            .pods = [&] { return observe::gather_pods(*kube, stage.located); },
                            .strike = *strike,
                            .run = fmt::format("{:08x}{:08x}", random(), random())},
                           stage.report.drill,
                           stage.view,
                           conduct);
  if (!outcome) {
    session.progress().fail();
    return outcome.error().while_doing("drilling cluster " + stage.report.name + " in namespace " +
                                       stage.report.namespace_);
  }
  if (outcome->missing.empty()) {
    session.progress().done("drilled");
  } else {
    session.progress().fail();
  }
  stage.report.times = outcome->times;
  stage.report.heir = outcome->heir;
  stage.report.heir_pod = outcome->heir_pod;
  stage.report.missing = outcome->missing;
  stage.report.probe = std::move(outcome->probe);
  return show(stage.report, session, options.output);
}

Result<ExitStatus> run_drill_verb(const DrillFlags& options, Session& session) {
  if (!options.pod.empty() && !options.master.empty()) {
    return Error::invalid_argument("a drill takes one master away")
        .with_hint("give --pod or --master, or neither for any");
  }
  const auto soon = session.clock().now() +
                    std::min<std::chrono::milliseconds>(options.timeout, std::chrono::seconds(15));
  KREDIS_TRY(Stage stage, set_up(options, session, soon));
  return drill(options, std::move(stage), session.clock().now() + options.timeout, session);
}

void add_flags(Verb& verb, DrillFlags& flags) {
  add_cluster(verb, flags.cluster);
  verb.option("--pod", flags.pod, "The master to take away, by its pod; any when not given");
  verb.option("--master", flags.master, "The same by its pod, or its id's start");
  const Choices<DrillStrike> strikes = {{"delete", DrillStrike::delete_pod},
                                        {"freeze", DrillStrike::freeze}};
  verb.choice("--by",
              flags.by,
              strikes,
              "delete: the pod, as kubectl delete does; freeze: its Redis hangs for a while");
  add_yes(verb, flags.yes);
  add_dry_run(verb, flags.dry_run, "Say what would be done and stop");
  add_timeout(verb, flags.timeout, "Longest wait until the cluster is whole again");
  add_output(verb, flags.output, {Output::text, Output::json, Output::yaml});
}

}  // namespace

void add_drill(Verb& failover) {
  const auto flags = std::make_shared<DrillFlags>();
  Verb verb = failover.subcommand(
      "drill", "Take a master away on purpose, and measure how the cluster copes");
  add_flags(verb, *flags);
  verb.footer(
      "Writes and reads without pause through the cluster, in keys of its own, and reports the time to\n"
      "detect, to promote and to heal, operations that failed, the longest gap and acknowledged writes that\n"
      "were lost. Its keys go at the end; of a drill that is interrupted, by themselves within the hour.\n"
      "Refuses where the cluster could not get over it: not whole, no replica in step, no majority without\n"
      "the master. Asks before it does anything. Exit status 3 when it did not heal in time or a write was\n"
      "lost. The JSON is described in docs/drill-json.md.\n\n"
      "Examples:\n"
      "  kubectl redis failover drill                    # any master's pod\n"
      "  kubectl redis failover drill --pod redis-app-0 --dry-run\n"
      "  kubectl redis failover drill shop -n web --by freeze --yes -o json");
  verb.run(flags, run_drill_verb);
}

}  // namespace kredis::plugin
