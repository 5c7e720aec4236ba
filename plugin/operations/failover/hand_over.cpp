// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/hand_over.hpp"

#include <optional>
#include <set>
#include <utility>

#include "shared/observe/ask_members.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::HandOver;
using core::Member;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// A replica gives a planned hand-over up after 5 s (CLUSTER_MF_TIMEOUT), and says so to nobody.
constexpr std::chrono::milliseconds k_attempt = 6s;
/// How long nodes that do not agree may take to, before anything is planned.
constexpr std::chrono::milliseconds k_agreement = 10s;

std::vector<std::string> silent_pods(const ClusterView& view) {
  std::vector<std::string> names;
  for (const Member& member : view.members) {
    if (member.trouble) {
      names.push_back(member.pod.name);
    }
  }
  return names;
}

/// Says whether those who answer see the same roles; a hand-over may be under way otherwise.
std::string disagreement(const ClusterView& view) {
  std::set<std::string> views;
  for (const Member& member : view.members) {
    if (member.view) {
      views.insert(member.view->signature());
    }
  }
  return views.size() <= 1 ? "" : "the nodes do not agree on roles and slots";
}

/// One hand-over at a time of what it works with.
class Failing {
 public:
  Failing(ports::RedisPort& redis,
          ClusterView view,
          const FailoverOptions& options,
          const Conduct& conduct)
      : options_(options),
        conduct_(conduct),
        redis_(redis),
        view_(std::move(view)),
        switchboard_(std::in_place, redis, observe::targets_of(view_)) {}

  Result<FailoverOutcome> run();

 private:
  Status look();
  Status hand_over(std::vector<HandOver> left);
  std::vector<std::string> leave_out_silent();
  Status settle(const std::vector<HandOver>& made);
  Error unfinished_business(const Error& error, const std::vector<HandOver>& made) const;

  const FailoverOptions& options_;
  const Conduct& conduct_;
  ports::RedisPort& redis_;
  ClusterView view_;
  std::optional<observe::Switchboard> switchboard_;
};

/// Asks everybody. A planned hand-over starts from nodes that agree: whoever ran it before, or an
/// election of their own, may be about to change what is planned from.
Status Failing::look() {
  observe::ask_members(*switchboard_, view_, observe::Ask::everything, call_deadline(conduct_));
  if (options_.wish.how != core::TakeOver::in_step || disagreement(view_).empty()) {
    return {};
  }
  Conduct conduct = conduct_;
  conduct.patience = steady_clock::now() + k_agreement;
  const Status agreed =
      wait_until(*switchboard_, view_, conduct, disagreement, observe::Ask::everything);
  if (!agreed && agreed.error().code == ErrorCode::timeout) {
    return Error::conflict("the nodes of cluster " + view_.name +
                           " do not agree on roles and slots, so no replica can be chosen")
        .with_hint("see who differs: kubectl redis status " + view_.name);
  }
  return agreed;
}

/// Carries `left` out, again where a replica gave up, until all of it shows or time is over.
Status Failing::hand_over(std::vector<HandOver> left) {
  while (!left.empty()) {
    Conduct conduct = conduct_;
    conduct.patience = steady_clock::now() + k_attempt;
    const core::Plan plan = core::plan_failover({left.front()});
    const Status applied =
        left.front().how == core::TakeOver::takeover
            ? apply_plan(*switchboard_, view_, core::plan_failover(left), conduct)
            : apply_plan(*switchboard_, view_, plan, conduct);
    if (!applied && (applied.error().code != ErrorCode::timeout ||
                     steady_clock::now() + 1s >= conduct_.deadline)) {
      return applied;
    }
    observe::ask_members(*switchboard_, view_, observe::Ask::topology, call_deadline(conduct_));
    left = core::unfinished(view_, left);
  }
  return {};
}

/// Every further look would wait for a dead pod until the end of its deadline.
std::vector<std::string> Failing::leave_out_silent() {
  std::vector<std::string> silent = silent_pods(view_);
  if (!silent.empty()) {
    std::erase_if(view_.members, [](const Member& member) { return member.trouble.has_value(); });
    switchboard_.emplace(redis_, observe::targets_of(view_));
  }
  return silent;
}

Status Failing::settle(const std::vector<HandOver>& made) {
  if (conduct_.progress != nullptr) {
    conduct_.progress->stage("Wait until every node shows it and the old masters follow");
  }
  return wait_until(
      *switchboard_,
      view_,
      conduct_,
      [&](const ClusterView& seen) { return core::unsettled(seen, made); },
      observe::Ask::everything);
}

/// Running the same command again is right for a master, a node or a zone; --pod would switch back.
Error Failing::unfinished_business(const Error& error, const std::vector<HandOver>& made) const {
  if (made.size() != 1 || options_.wish.of != core::FailoverWish::Of::pod) {
    return error;
  }
  return error.with_hint("see who is master now: kubectl redis status " + view_.name + " -n " +
                         view_.namespace_ + "; what is left is done by: kubectl redis failover " +
                         view_.name + " -n " + view_.namespace_ + " --master " +
                         made.front().from.short_text());
}

Result<FailoverOutcome> Failing::run() {
  KREDIS_CHECK(look());
  KREDIS_TRY(auto made, core::plan_hand_overs(view_, options_.wish));
  const std::vector<std::string> silent = leave_out_silent();
  const auto began = steady_clock::now();
  if (!made.empty()) {
    if (options_.agree) {
      KREDIS_CHECK(options_.agree(made));
    }
    Status done = hand_over(made);
    if (done) {
      done = settle(made);
    }
    if (!done) {
      return unfinished_business(done.error(), made);
    }
  }
  const auto took = steady_clock::now() - began;
  return FailoverOutcome{.view = view_,
                         .hand_overs = std::move(made),
                         .silent = silent,
                         .took = std::chrono::duration_cast<std::chrono::milliseconds>(took)};
}

}  // namespace

Result<FailoverOutcome> fail_over(ports::RedisPort& redis,
                                  ClusterView view,
                                  const FailoverOptions& options,
                                  const Conduct& conduct) {
  return Failing(redis, std::move(view), options, conduct).run();
}

}  // namespace kredis::plugin
