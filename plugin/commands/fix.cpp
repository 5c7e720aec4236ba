// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis fix`: mends what doctor finds.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/commands/cluster_work.hpp"
#include "plugin/commands/consent.hpp"
#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/fix/mend.hpp"
#include "plugin/render/doctor_text.hpp"
#include "plugin/render/plan_text.hpp"
#include "shared/core/findings/finding.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

struct FixFlags {
  ClusterWish cluster = {};
  core::FixWish wish = {};
  bool yes = false;
  DryRun dry_run = DryRun::none;
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
};

Status check_asked_for(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (core::find_finding_kind(id) == nullptr) {
      std::vector<std::string_view> known;
      for (const core::FindingKind& kind : core::finding_kinds()) {
        known.push_back(kind.id);
      }
      const std::string_view meant = core::nearest(id, known);
      return Error::invalid_argument("there is no finding " + core::quoted(id))
          .with_hint(meant.empty() ? "kubectl redis rules --findings lists them"
                                   : "did you mean " + std::string(meant) + "?");
    }
    if (!core::is_mendable(id)) {
      return Error::invalid_argument("fix has no remedy for " + id)
          .with_hint("see what to do: kubectl redis explain " + id);
    }
  }
  return {};
}

/// The password that we log in with is what replicas lack where they have none.
core::FixWish wish_of(const FixFlags& options, ReachedCluster& reached) {
  core::FixWish wish = options.wish;
  const core::Command login = reached.cluster.switchboard().login();
  wish.password = login.empty() ? "" : login.back();
  return wish;
}

/// What is still wrong with the cluster, of what was asked for; opinions are left out.
std::vector<core::Finding> left_in(const core::ClusterView& view, const core::FixWish& wish) {
  std::vector<core::Finding> left = core::find_trouble(view);
  std::erase_if(left, [&](const core::Finding& each) {
    return wish.only.empty() ? each.severity == core::Severity::info
                             : std::ranges::find(wish.only, each.id) == wish.only.end();
  });
  return left;
}

/// A refusal says what a finding needs better than the finding does.
ExitStatus show_left(const std::vector<core::Refusal>& refused,
                     std::vector<core::Finding> left,
                     Session& session) {
  std::erase_if(left, [&](const core::Finding& each) {
    return std::ranges::find(refused, each.id, &core::Refusal::finding) != refused.end();
  });
  session.out() << render_refusals(refused) << render_left(left);
  return refused.empty() && left.empty() ? ExitStatus::done : ExitStatus::refused;
}

Result<ExitStatus> show_fix(const FixFlags& options,
                            ReachedCluster& reached,
                            const Conduct& conduct,
                            Session& session) {
  KREDIS_CHECK(reached.cluster.find_pods());
  KREDIS_TRY(const core::FixPlan plan,
             next_round(reached.site, wish_of(options, reached), conduct));
  session.out() << (plan.empty() ? "nothing to do\n" : render_plan(plan)) << render_costs(plan)
                << render_refusals(plan.refused);
  return plan.refused.empty() ? ExitStatus::done : ExitStatus::refused;
}

Result<Mended> mend_it(const FixFlags& options,
                       ReachedCluster& reached,
                       const Conduct& conduct,
                       Session& session) {
  KREDIS_CHECK(reached.cluster.find_pods());
  std::set<std::string> agreed;
  const auto ask = [&](const core::Plan& plan) -> Status {
    const std::vector<std::string> costs = core::costs_of(plan);
    const bool is_known =
        std::ranges::all_of(costs, [&](const std::string& cost) { return agreed.contains(cost); });
    if (!is_known) {
      KREDIS_CHECK(agree(session, plan, reached.located.name, options.yes ? Ask::no : Ask::yes));
      agreed.insert(costs.begin(), costs.end());
    }
    return {};
  };
  return mend(reached.site, {.wish = wish_of(options, reached), .agree = ask}, conduct);
}

Result<ExitStatus> run_fix(const FixFlags& options, Session& session) {
  KREDIS_CHECK(check_asked_for(options.wish.only));
  KREDIS_TRY(const observe::Located located, find_cluster(session, options.cluster));
  Conduct conduct = conduct_of(session, session.clock().now() + options.timeout);
  KREDIS_TRY(const auto reached, reach(session, located, options.cluster.access));
  if (options.dry_run != DryRun::none) {
    return show_fix(options, *reached, conduct, session);
  }
  KREDIS_TRY(const auto lease,
             begin_change(session, located, options.cluster.access, "fix", conduct));
  conduct.begin("mending " + located.name);
  auto mended = mend_it(options, *reached, conduct, session);
  if (!mended) {
    conduct.failed();
    return mended.error().while_doing("mending cluster " + located.name + " in namespace " +
                                      located.namespace_);
  }
  conduct.done(mended->plans.empty() ? "nothing to do" : "mended");
  for (const core::Plan& plan : mended->plans) {
    session.out() << render_plan(plan);
  }
  return show_left(mended->refused, left_in(mended->view, options.wish), session);
}

}  // namespace

void add_fix(Verb& root) {
  const auto flags = std::make_shared<FixFlags>();
  Verb verb = root.subcommand("fix", "Mend what doctor finds, and ask before data could be lost");
  add_cluster(verb, flags->cluster);
  verb.option("--only", flags->wish.only, "Mend findings of this id only; may be repeated")
      .with_commas()
      .one_each()
      .kind("FINDING");
  verb.option("--keep",
              flags->wish.keep,
              "Where several pods have keys of slots that nobody owns: whose values stay")
      .kind("POD");
  verb.option("--accept-loss",
              flags->wish.accept_loss,
              "Go on without what these slots, or this node, had stored; may be repeated")
      .one_each()
      .kind("SLOTS|ID");
  verb.flag("--takeover",
            flags->wish.takeover,
            "Where no majority is left: let replicas take over without a vote; asks");
  add_yes(verb, flags->yes);
  add_dry_run(verb, flags->dry_run, "Print the next steps and stop");
  add_timeout(verb, flags->timeout, "Longest time for all of it");
  verb.footer(
      "Looks, plans, asks where something may be lost, and looks again, until nothing is left that\n"
      "it can mend. Killed and run again, it goes on from what is there. What could cost data is\n"
      "never guessed: it says what each choice keeps and loses, and does nothing until one is made.\n"
      "Exit status 3 when a warning or an error is left.\n\n"
      "Examples:\n"
      "  kubectl redis fix --dry-run\n"
      "  kubectl redis fix\n"
      "  kubectl redis fix shop -n web --only slots-open\n"
      "  kubectl redis fix --accept-loss 5461-10922      # their every copy is gone\n"
      "  kubectl redis fix --takeover                    # the majority of masters is lost");
  verb.run(flags, run_fix);
}

}  // namespace kredis::plugin
