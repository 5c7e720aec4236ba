// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/fix/mend.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/surprises.hpp"
#include "plugin/operations/fix/count_keys.hpp"
#include "plugin/operations/fix/stray_keys.hpp"
#include "shared/core/findings/finding.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

/// More than any state needs; what takes more goes in circles.
constexpr int k_most_rounds = 20;
/// Gossip and elections take so long; what stays is no passing state.
constexpr auto k_passing_time = 5s;
/// A first copy, too, which begins only after repl-diskless-sync-delay; and until a node that just
/// went is given up, and one of its pod's new life is there.
constexpr auto k_time_after_change = 20s;
/// A node that one has forgotten is not taken for a minute; since Redis 7.2 all hear of that, and
/// forget it again after each introduction.
constexpr auto k_ban = 100s;
/// A plan from a look that began longer ago is made once more before it is carried out.
constexpr auto k_stale = 2s;
constexpr std::array<std::string_view, 5> k_passing{
    "views-disagree", "cluster-state-fail", "loading", "replica-link-down", "replica-no-failover"};

/// A pod that just went, as far as it is seen so far: its node is away, or the next is not there.
std::string leaving_in(const core::ClusterView& view) {
  if (const auto missing = core::missing_pods(view)) {
    return missing->what;
  }
  const core::Node* node = core::undecided_node(view);
  return node == nullptr ? "" : "node " + node->id.short_text() + " is away, and not yet given up";
}

std::string passing_in(const core::ClusterView& view) {
  if (const std::string leaving = leaving_in(view); !leaving.empty()) {
    return leaving;
  }
  for (const core::Finding& finding : core::find_trouble(view)) {
    if (std::ranges::find(k_passing, finding.id) != k_passing.end()) {
      return finding.message;
    }
  }
  return {};
}

Status look_when_calm(observe::Cluster& cluster,
                      std::chrono::milliseconds patience,
                      const Conduct& conduct) {
  KREDIS_CHECK(cluster.look(observe::Ask::everything, conduct.call_deadline()));
  KREDIS_CHECK(cluster.check_one());
  const auto longest = leaving_in(cluster.view()).empty()
                           ? patience
                           : std::max<std::chrono::milliseconds>(patience, k_time_after_change);
  const Status calm =
      wait_until(conduct.with_patience(longest), 200ms, [&]() -> Result<std::string> {
        KREDIS_CHECK(cluster.find_pods());
        cluster.ask(observe::Ask::everything, conduct.call_deadline());
        return passing_in(cluster.view());
      });
  return calm || calm.error().code == ErrorCode::timeout ? Status{} : calm;
}

std::vector<std::string> steps_in(const core::Plan& plan) {
  std::vector<std::string> steps;
  for (const core::Stage& stage : plan.stages) {
    for (const core::Step& step : stage.steps) {
      steps.push_back(core::to_text(step));
    }
  }
  return steps;
}

bool is_introduction(const core::FixPlan& plan) {
  return std::ranges::all_of(plan.stages, [](const core::Stage& stage) {
    return std::ranges::all_of(stage.steps, [](const core::Step& step) {
      return std::holds_alternative<core::Meet>(step.what);
    });
  });
}

struct Round {
  core::ClusterView view;
  core::FixPlan plan;
};

Result<Round> plan_round(Site& site,
                         const core::FixWish& wish,
                         std::chrono::milliseconds patience,
                         const Conduct& conduct) {
  KREDIS_CHECK(look_when_calm(*site.cluster, patience, conduct));
  core::ClusterView view = view_with_stray_keys(*site.cluster, conduct.call_deadline());
  KREDIS_TRY(const core::KeyCounts keys, count_keys(*site.cluster, view, conduct.call_deadline()));
  core::FixPlan plan = core::plan_fix(view, keys, wish);
  return Round{.view = std::move(view), .plan = std::move(plan)};
}

/// Says what a new look may do away with; fails with it where it came too often.
Status look_anew(Surprises& surprises, const Error& surprise, const Conduct& conduct) {
  KREDIS_CHECK(surprises.judge(surprise));
  conduct.say(surprise.message + ": looking anew");
  return {};
}

}  // namespace

Result<core::FixPlan> next_round(Site& site, const core::FixWish& wish, const Conduct& conduct) {
  KREDIS_TRY(Round round, plan_round(site, wish, k_passing_time, conduct));
  return std::move(round.plan);
}

Result<Mended> mend(Site& site, const MendOptions& options, const Conduct& conduct) {
  Mended mended;
  std::vector<std::string> last;
  Surprises surprises;
  const auto begin = conduct.now();
  bool again = false;
  for (int round = 0; round < k_most_rounds; ++round) {
    conduct.say("Look what there is to mend");
    const auto patience = mended.plans.empty() || again ? k_passing_time : k_time_after_change;
    const auto looked = conduct.now();
    auto next = plan_round(site, options.wish, patience, conduct);
    if (!next) {
      KREDIS_CHECK(look_anew(surprises, next.error(), conduct));
      continue;
    }
    core::FixPlan& plan = next->plan;
    mended.view = std::move(next->view);
    mended.refused = plan.refused;
    again = steps_in(plan) == last;
    if (plan.empty() || (again && !(is_introduction(plan) && conduct.now() - begin < k_ban))) {
      break;
    }
    if (again) {
      conduct.say("A node that was forgotten is not taken for a minute: introducing it again");
    } else {
      KREDIS_CHECK(options.agree(plan));
    }
    last = steps_in(plan);
    if (conduct.now() - looked > k_stale) {
      const auto now = plan_round(site, options.wish, k_passing_time, conduct);
      if (!now) {
        KREDIS_CHECK(look_anew(surprises, now.error(), conduct));
        last.clear();
        continue;
      }
      if (steps_in(now->plan) != last) {
        conduct.say("The cluster has changed meanwhile: planning anew");
        last.clear();
        continue;
      }
    }
    const Status done = apply_plan(site, plan, conduct);
    if (!done && done.error().code != ErrorCode::conflict) {
      KREDIS_CHECK(look_anew(surprises, done.error(), conduct));
      last.clear();  // The same may be to do once it is back.
      continue;
    }
    KREDIS_CHECK(surprises.judge(done));
    if (!again) {
      mended.plans.push_back(std::move(plan));
    }
  }
  return mended;
}

}  // namespace kredis::plugin
