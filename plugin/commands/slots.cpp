// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rebalance` and `reshard`: slots move between the masters that are there.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/finish_jobs.hpp"
#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/move_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/slots/begun_moves.hpp"
#include "plugin/operations/slots/plan_moves.hpp"
#include "plugin/render/plan_text.hpp"
#include "plugin/render/table.hpp"
#include "shared/core/plans/move_way.hpp"
#include "shared/core/plans/plan_slots.hpp"
#include "shared/core/running_jobs.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

using core::MoveSlots;

/// What both verbs are told.
struct SlotFlags {
  ClusterWish cluster = {};
  MoveFlags moves = {};
  DryRun dry_run = DryRun::none;
  bool yes = false;
  std::chrono::milliseconds timeout = std::chrono::hours(12);

  // rebalance
  SlotMeasure by = SlotMeasure::slots;
  std::vector<std::string> weights = {};
  int threshold = 2;
  // reshard
  std::vector<std::string> from = {};
  std::vector<std::string> to = {};
  std::string slots = {};
};

using ReadWish = Result<SlotsWish> (*)(const SlotFlags&);

/// "redis-app-0=2".
Result<std::pair<std::string, double>> read_weight(const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto weight = equals == std::string::npos
                          ? std::nullopt
                          : core::to_number<double>(std::string_view(text).substr(equals + 1));
  if (!weight) {
    return Error::invalid_argument("--weight takes POD=NUMBER, not " + core::quoted(text));
  }
  return std::pair(text.substr(0, equals), *weight);
}

Result<SlotsWish> rebalance_wish(const SlotFlags& options) {
  Rebalance wish{.wish = {.threshold_percent = options.threshold}, .by = options.by};
  for (const std::string& text : options.weights) {
    KREDIS_TRY(auto weight, read_weight(text));
    wish.wish.weights.push_back(std::move(weight));
  }
  return wish;
}

Result<SlotsWish> reshard_wish(const SlotFlags& options) {
  core::ReshardWish wish{.from = options.from, .to = options.to};
  const auto count = core::to_number<std::uint32_t>(options.slots);
  if (count && options.slots.find_first_of("-,") == std::string::npos) {
    wish.count = *count;
  } else {
    KREDIS_TRY(wish.slots, core::SlotSet::parse(options.slots));
  }
  return wish;
}

/// Whether it asks for a number of slots: done again that is so many more.
bool is_counted(const SlotsWish& wish) {
  const auto* reshard = std::get_if<core::ReshardWish>(&wish);
  return reshard != nullptr && reshard->count > 0;
}

/// The two ends of each move, in numbers.
std::string moves_table(const std::vector<MoveSlots>& moves) {
  std::vector<std::vector<std::string>> rows;
  for (const MoveSlots& move : moves) {
    rows.push_back({move.pod,
                    move.target_pod,
                    std::to_string(move.slots.size()),
                    move.slots.to_text(),
                    core::way_text(move)});
  }
  return render_table({"FROM", "TO", "COUNT", "SLOTS", "HOW"}, rows);
}

/// What an earlier run began and left, for a dry run; empty when nothing.
std::string left_by_earlier(const core::ClusterView& view) {
  std::string text;
  for (const core::RunningJob& running : core::running_jobs(view)) {
    text += "the servers still move " + core::job_text(view, running) + "\n";
  }
  if (const auto half = core::half_moved(view); !half.empty()) {
    text += "half moved by an earlier run, and finished first:\n" + moves_table(half);
  }
  return text;
}

/// What is to move now: what is left of an earlier run of just this command, where its number of
/// slots would be moved once more; else what is asked for.
Result<std::vector<MoveSlots>> moves_now(const SlotsWish& wish,
                                         const std::string& begun,
                                         observe::Cluster& cluster,
                                         const Conduct& conduct) {
  if (is_counted(wish) && !begun.empty()) {
    KREDIS_TRY(auto left, left_of_begun(cluster.view(), std::get<core::ReshardWish>(wish), begun));
    if (left) {
      conduct.say(left->empty() ? "an earlier run of this command had moved all its slots"
                                : "going on with what an earlier run of this command left");
      return std::move(*left);
    }
  }
  return plan_moves(cluster, wish, conduct);
}

/// Finishes what earlier runs left; true where there is something and it may only be shown.
Result<bool> finish_earlier(Site& site, DryRun dry_run, const Conduct& conduct, std::ostream& out) {
  const std::string left = left_by_earlier(site.cluster->view());
  if (!left.empty() && dry_run != DryRun::none) {
    out << left;
    return true;
  }
  KREDIS_CHECK(finish_running_jobs(*site.cluster, conduct));
  KREDIS_CHECK(finish_half_moved(site, conduct));
  return false;
}

/// Makes the moves. With a number they are kept until all are made.
Status make_moves(const SlotsWish& wish,
                  const std::vector<MoveSlots>& moves,
                  const core::Plan& plan,
                  ChangeLease& lease,
                  Site& site,
                  const Conduct& conduct) {
  KREDIS_CHECK(
      lease.keep(is_counted(wish) ? begun_text(std::get<core::ReshardWish>(wish), moves) : ""));
  KREDIS_CHECK(apply_plan(site, plan, conduct));
  return lease.keep("");
}

/// First what an earlier run left half moved, then what is asked for.
Result<ExitStatus> move_slots(const SlotFlags& options,
                              Session& session,
                              const std::string& verb,
                              ReadWish read_wish) {
  KREDIS_TRY(const MoveLimits limits, limits_of(options.moves));
  KREDIS_TRY(const SlotsWish wish, read_wish(options));
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  std::unique_ptr<ChangeLease> lease;
  if (options.dry_run == DryRun::none) {
    KREDIS_TRY(lease, begin_change(session, located, options.cluster.access, verb, conduct));
  }
  KREDIS_TRY(const auto reached, reach(session, located, options.cluster.access));
  reached->site.limits = limits;
  observe::Cluster& cluster = reached->cluster;
  KREDIS_CHECK(cluster.find_pods());
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  KREDIS_CHECK(cluster.check_one());
  KREDIS_TRY(const bool shown,
             finish_earlier(reached->site, options.dry_run, conduct, session.out()));
  if (shown) {
    return ExitStatus::done;
  }
  const std::string begun = begun_of(session, located, cluster.view(), verb);
  KREDIS_TRY(std::vector<MoveSlots> moves, moves_now(wish, begun, cluster, conduct));
  KREDIS_CHECK(core::choose_ways(cluster.view(), way_of(options.moves), moves));
  if (moves.empty()) {
    session.out() << "nothing to do\n";
    return ExitStatus::done;
  }
  const std::string table = moves_table(moves);
  const core::Plan plan = plan_of(moves, "asked for by " + verb);
  if (options.dry_run != DryRun::none) {
    session.out() << table;
    return ExitStatus::done;
  }
  KREDIS_CHECK(agree(session, plan, located.name, options.yes ? Ask::no : Ask::yes));
  if (const Status done = make_moves(wish, moves, plan, *lease, reached->site, conduct); !done) {
    conduct.failed();
    return done.error().while_doing("moving slots of cluster " + located.name + " in namespace " +
                                    located.namespace_);
  }
  session.out() << table;
  return ExitStatus::done;
}

Result<ExitStatus> run_rebalance(const SlotFlags& options, Session& session) {
  return move_slots(options, session, "rebalance", rebalance_wish);
}
Result<ExitStatus> run_reshard(const SlotFlags& options, Session& session) {
  return move_slots(options, session, "reshard", reshard_wish);
}

void add_shared(Verb& verb, SlotFlags& flags) {
  add_move_flags(verb, flags.moves);
  add_yes(verb, flags.yes);
  add_dry_run(verb, flags.dry_run, "Print which slots would move, and stop");
  add_timeout(verb, flags.timeout, "Longest time for all of it");
}

}  // namespace

void add_rebalance(Verb& root) {
  const auto flags = std::make_shared<SlotFlags>();
  Verb verb = root.subcommand("rebalance", "Give each master its share of the slots");
  add_cluster(verb, flags->cluster);
  verb.choice("--by",
              flags->by,
              Choices<SlotMeasure>{{"slots", SlotMeasure::slots},
                                   {"keys", SlotMeasure::keys},
                                   {"memory", SlotMeasure::memory},
                                   {"load", SlotMeasure::load}},
              "What is shared out evenly");
  verb.option("--weight", flags->weights, "POD=W: a share of W where others have 1").with_commas();
  verb.option("--threshold",
              flags->threshold,
              "Nothing moves while each has its share within so many percent")
      .between(0, 100);
  add_shared(verb, *flags);
  verb.footer(
      "The fewest slots move, several masters at once. Clients are served all the time.\n"
      "Killed anywhere, the same command goes on.\n\n"
      "Examples:\n  kubectl redis rebalance\n"
      "  kubectl redis rebalance --by memory --dry-run\n"
      "  kubectl redis rebalance shop --weight shop-app-0=2 --max-latency 2ms");
  verb.run(flags, run_rebalance);
}

void add_reshard(Verb& root) {
  const auto flags = std::make_shared<SlotFlags>();
  Verb verb = root.subcommand("reshard", "Move slots from some masters to others");
  add_cluster(verb, flags->cluster);
  verb.option("--from", flags->from, "Pods of masters that give; all others without it")
      .with_commas();
  verb.option("--to", flags->to, "Pods of masters that take").with_commas().required();
  verb.option("--slots", flags->slots, "How many, or which: 500, or 0-99,200-299").required();
  add_shared(verb, *flags);
  verb.footer(
      "Killed anywhere, the same command goes on, also with a number: how many it had moved is kept\n"
      "with the Lease that it holds, where it may write one. One slot by its number: --slots 42-42.\n\n"
      "Examples:\n  kubectl redis reshard --from redis-app-0 --to redis-app-1 --slots 500\n"
      "  kubectl redis reshard --to redis-app-2 --slots 0-99 --dry-run");
  verb.run(flags, run_reshard);
}

}  // namespace kredis::plugin
