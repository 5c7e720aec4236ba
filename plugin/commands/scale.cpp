// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis scale`: more or fewer masters and replicas, while clients write.
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/move_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/scale/scale.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/core/plans/suggest_scale.hpp"
#include "shared/wire/report.hpp"

namespace kredis::plugin {
namespace {

struct ScaleFlags {
  ClusterWish cluster = {};
  std::optional<int> masters = {};
  std::optional<int> replicas = {};
  MoveFlags moves = {};
  bool suggest = false;
  bool purge_data = false;
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
  Output output = Output::text;
};

Result<ScaleOptions> options_of(const ScaleFlags& flags) {
  if (!flags.masters && !flags.replicas) {
    return Error::invalid_argument("say how many masters, or how many replicas of each")
        .with_hint("give --masters, --replicas or both; --suggest says what would suit");
  }
  if (flags.masters.value_or(1) < 1 || flags.replicas.value_or(0) < 0) {
    return Error::invalid_argument("--masters and --replicas count pods")
        .with_hint("give 3 masters or more, and 0 replicas of each or more");
  }
  ScaleOptions options;
  if (flags.masters) {
    options.masters = static_cast<std::uint32_t>(*flags.masters);
  }
  if (flags.replicas) {
    options.replicas = static_cast<std::uint32_t>(*flags.replicas);
  }
  options.way = way_of(flags.moves);
  options.keep = flags.purge_data ? KeepData::no : KeepData::yes;
  return options;
}

std::string nothing_to_do(const ScaleOutlook& outlook) {
  return fmt::format("nothing to do: {} masters, {} replicas each\n",
                     outlook.shape.masters,
                     outlook.shape.replicas);
}

Result<ExitStatus> show_scale_plan(const ScaleOptions& options,
                                   ReachedCluster& reached,
                                   Session& session,
                                   const Conduct& conduct) {
  KREDIS_TRY(const ScaleOutlook outlook, look_and_plan_scale(reached.site, options, conduct));
  session.out() << (outlook.plan.empty() ? nothing_to_do(outlook) : render_plan(outlook.plan));
  return ExitStatus::done;
}

Json shape_json(core::Shape shape) {
  return {{"masters", shape.masters}, {"replicas", shape.replicas}};
}

/// For people, and for pipelines: exit status 3 where another shape would suit.
Result<ExitStatus> suggest(const ScaleFlags& flags,
                           const observe::Located& located,
                           Session& session,
                           ports::Deadline deadline) {
  KREDIS_TRY(const core::ClusterView view,
             look_at(session, located, flags.cluster.access, deadline));
  KREDIS_TRY(const core::ScaleSuggestion found, core::suggest_scale(view));
  const std::string command = core::redis_command(
      view,
      fmt::format("scale --masters {} --replicas {}", found.wanted.masters, found.wanted.replicas));
  if (flags.output != Output::text) {
    session.print_object({{"apiVersion", wire::k_report_api},
                          {"kind", "ScaleSuggestion"},
                          {"cluster", view.name},
                          {"namespace", view.namespace_},
                          {"now", shape_json(found.now)},
                          {"wanted", shape_json(found.wanted)},
                          {"reasons", found.reasons},
                          {"command", found.reasons.empty() ? "" : command}},
                         flags.output);
  } else if (found.reasons.empty()) {
    session.out() << fmt::format("{} masters with {} replicas each suit memory, keys and places\n",
                                 found.now.masters,
                                 found.now.replicas);
  } else {
    for (const std::string& reason : found.reasons) {
      session.out() << reason << "\n";
    }
    session.out() << "suggested: " << command << "\n";
  }
  return found.reasons.empty() ? ExitStatus::done : ExitStatus::refused;
}

/// Pods that came may be of workloads that there were not before: the cluster is found anew.
Result<ExitStatus> carry_out(const ScaleFlags& flags,
                             const ScaleOutlook& outlook,
                             KeepData keep,
                             Session& session,
                             const Conduct& conduct) {
  KREDIS_TRY(const observe::Located located, find_cluster(session, flags.cluster));
  KREDIS_TRY(const auto reached, reach(session, located, flags.cluster.access));
  KREDIS_TRY(reached->site.limits, limits_of(flags.moves));
  KREDIS_CHECK(change_shape(reached->site, outlook, keep, conduct));
  KREDIS_TRY(const observe::Located now, find_cluster(session, flags.cluster));
  KREDIS_TRY(core::ClusterView view, look_at(session, now, flags.cluster.access, conduct.deadline));
  conduct.done("scaled");
  return show_status(session, std::move(view), flags.output);
}

Result<ExitStatus> scale(const ScaleFlags& flags,
                         const ScaleOptions& options,
                         ReachedCluster& reached,
                         Session& session,
                         const Conduct& conduct) {
  KREDIS_TRY(const ScaleOutlook outlook, look_and_plan_scale(reached.site, options, conduct));
  if (outlook.plan.empty()) {
    conduct.done("nothing to do");
    session.out() << nothing_to_do(outlook);
    return ExitStatus::done;
  }
  KREDIS_CHECK(agree(session, outlook.plan, reached.located.name, flags.yes ? Ask::no : Ask::yes));
  KREDIS_CHECK(make_pods(reached.site, outlook, conduct));
  conduct.begin("scaling " + reached.located.name);
  return carry_out(flags, outlook, options.keep, session, conduct);
}

Result<ExitStatus> run_scale(const ScaleFlags& flags, Session& session) {
  if (flags.suggest) {
    KREDIS_TRY(const observe::Located located, find_cluster(session, flags.cluster));
    return suggest(flags, located, session, session.clock().now() + flags.timeout);
  }
  KREDIS_TRY(const ScaleOptions options, options_of(flags));
  KREDIS_TRY(const MoveLimits limits, limits_of(flags.moves));
  KREDIS_TRY(const observe::Located located, find_cluster(session, flags.cluster));
  Conduct conduct = conduct_of(session, session.clock().now() + flags.timeout);
  KREDIS_TRY(const auto reached, reach(session, located, flags.cluster.access));
  reached->site.limits = limits;
  if (flags.dry_run != DryRun::none) {
    return show_scale_plan(options, *reached, session, conduct);
  }
  KREDIS_TRY(const auto lease,
             begin_change(session, located, flags.cluster.access, "scale", conduct));
  conduct.begin("looking at " + located.name);
  const auto done = scale(flags, options, *reached, session, conduct);
  if (!done) {
    conduct.failed();
    return done.error().while_doing("scaling cluster " + located.name + " in namespace " +
                                    located.namespace_);
  }
  return done;
}

}  // namespace

void add_scale(Verb& root) {
  const auto flags = std::make_shared<ScaleFlags>();
  Verb verb = root.subcommand("scale", "Give a cluster more or fewer masters and replicas");
  add_cluster(verb, flags->cluster);
  verb.option("--masters", flags->masters, "Masters, at least 3 (default: as many as there are)");
  verb.option("--replicas", flags->replicas, "Replicas of each master (default: as it is)");
  verb.flag("--suggest",
            flags->suggest,
            "Only say what memory, keys and places would ask for; exit status 3 when something");
  verb.flag("--purge-data",
            flags->purge_data,
            "Delete the claims of pods that go, with what is on them; asks for the name");
  add_move_flags(verb, flags->moves);
  add_yes(verb, flags->yes);
  add_dry_run(verb, flags->dry_run, "Print the plan and stop");
  add_timeout(verb, flags->timeout, "Longest time for all of it");
  add_output(verb, flags->output, {Output::text, Output::wide, Output::json, Output::yaml});
  verb.footer(
      "Out: pods first, then they are met, get replicas and slots. In: slots, roles and replicas move\n"
      "off the pods that go (a StatefulSet's highest ordinals), which are forgotten and reset before\n"
      "they go; their claims stay, empty. Clients go on all the while. Run it again to finish what was\n"
      "interrupted.\n\n"
      "Examples:\n"
      "  kubectl redis scale --masters 5\n"
      "  kubectl redis scale shop -n web --replicas 2\n"
      "  kubectl redis scale --masters 3 --dry-run           # what it would take\n"
      "  kubectl redis scale --masters 3 --purge-data        # the claims of the pods go, too\n"
      "  kubectl redis scale --suggest -o json               # what would suit; exit status 3 when it differs");
  verb.run(flags, run_scale);
}

}  // namespace kredis::plugin
