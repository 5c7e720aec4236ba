// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/hand_over.hpp"

#include <set>
#include <utility>

#include "plugin/apply/apply_plan.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::HandOver;
using core::Member;
using namespace std::chrono_literals;

/// How long nodes that do not agree may take to, before anything is planned.
constexpr auto k_agreement = 10s;

/// Says whether those who answer see the same roles; a hand-over may be under way otherwise.
std::string disagreement(const ClusterView& view) {
  std::set<std::uint64_t> views;
  for (const Member& member : view.members) {
    if (member.view) {
      views.insert(member.view->signature());
    }
  }
  return views.size() <= 1 ? "" : "the nodes do not agree on roles and slots";
}

/// Asks everybody. A planned hand-over starts from nodes that agree: whoever ran it before, or an
/// election of their own, may be about to change what is planned from.
Status look(observe::Cluster& cluster, core::TakeOver how, const Conduct& conduct) {
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  if (how != core::TakeOver::in_step || disagreement(cluster.view()).empty()) {
    return {};
  }
  const Status agreed = wait_until_seen(
      cluster, conduct.with_patience(k_agreement), disagreement, observe::Ask::everything);
  if (!agreed && agreed.error().code == ErrorCode::timeout) {
    return Error::conflict("the nodes of cluster " + cluster.view().name +
                           " do not agree on roles and slots, so no replica can be chosen")
        .with_hint("see who differs: " + core::status_command(cluster.view()));
  }
  return agreed;
}

Status carry_out(observe::Cluster& cluster,
                 const core::Plan& plan,
                 const std::vector<HandOver>& made,
                 const Conduct& conduct) {
  Site site{.cluster = &cluster};
  KREDIS_CHECK(apply_plan(site, plan, conduct));
  conduct.say("Wait until every node shows it and the old masters follow");
  return wait_until_seen(
      cluster,
      conduct,
      [&](const ClusterView& seen) { return core::unsettled(seen, made); },
      observe::Ask::everything);
}

/// Running the same command again is right for a master, a node or a zone; --pod would switch back.
Error unfinished(const Error& error,
                 const ClusterView& view,
                 const core::FailoverWish& wish,
                 const std::vector<HandOver>& made) {
  if (made.size() != 1 || wish.of != core::FailoverWish::Of::pod) {
    return error;
  }
  const std::string cluster = view.name + " -n " + view.namespace_;
  return error.with_hint("see who is master now: kubectl redis status " + cluster +
                         "; what is left is done by: kubectl redis failover " + cluster +
                         " --master " + made.front().from.short_text());
}

}  // namespace

Result<FailoverOutcome> fail_over(observe::Cluster& cluster,
                                  const FailoverOptions& options,
                                  const Conduct& conduct) {
  KREDIS_CHECK(look(cluster, options.wish.how, conduct));
  KREDIS_TRY(auto made, core::plan_hand_overs(cluster.view(), options.wish));
  // Every further look would wait for a dead pod until the end of its deadline.
  auto silent = cluster.leave_out([](const Member& member) { return member.trouble.has_value(); });
  const auto began = conduct.now();
  if (!made.empty()) {
    const core::Plan plan = core::plan_failover(made);
    if (options.agree) {
      KREDIS_CHECK(options.agree(plan));
    }
    if (auto done = carry_out(cluster, plan, made, conduct); !done) {
      return unfinished(done.error(), cluster.view(), options.wish, made);
    }
  }
  const auto took = conduct.now() - began;
  return FailoverOutcome{.view = cluster.view(),
                         .hand_overs = std::move(made),
                         .silent = std::move(silent),
                         .took = std::chrono::duration_cast<std::chrono::milliseconds>(took)};
}

}  // namespace kredis::plugin
