// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "plugin/operations/ask_members.hpp"
#include "plugin/operations/bus_diagnosis.hpp"
#include "plugin/operations/node_timeouts.hpp"
#include "shared/core/plan.hpp"

namespace kredis::operations {
namespace {

using core::ClusterView;
using core::Member;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// How often to try with the short node timeout before going on without.
constexpr int k_pulses = 5;
/// Nodes do their housekeeping ten times a second.
constexpr std::chrono::milliseconds k_tick = 110ms;
/// Nothing serves and nothing is stored: a failover by mistake would cost nobody anything.
bool is_new(const ClusterView& view) {
  return std::ranges::none_of(view.members, [](const Member& member) {
    return (member.cluster && member.cluster->state_ok) || !member.server ||
           member.server->keys > 0;
  });
}

/// One initialisation: what it works with and how far it is.
class Init {
 public:
  Init(ports::RedisPort& redis,
       ClusterView view,
       const InitOptions& options,
       const Conduct& conduct)
      : options_(options),
        conduct_(conduct),
        view_(std::move(view)),
        switchboard_(redis, targets_of(view_)),
        timeouts_(switchboard_, options.configured_node_timeout) {}

  Result<InitOutcome> run(ports::KubePort* kube);

 private:
  Status attempt(const core::Plan& plan);
  Status announce_replicas();
  Status wake_masters();
  Status wait_at_most(std::chrono::milliseconds time, const Conduct& conduct);
  Result<core::Plan> look_and_plan();
  void say(const std::string& stage) const {
    if (conduct_.progress != nullptr) {
      conduct_.progress->stage(stage);
    }
  }

  const InitOptions& options_;
  const Conduct& conduct_;
  ClusterView view_;
  Switchboard switchboard_;
  NodeTimeouts timeouts_;
  bool quickly_ = false;
};

Result<core::Plan> Init::look_and_plan() {
  ask_members(switchboard_, view_, Ask::everything, call_deadline(conduct_));
  return core::plan_init(view_, options_.shape);
}

/// Applies `plan` and waits until the cluster is whole, for as long as one attempt may take: links
/// that were not made by then are given up by the nodes, and have to be asked for again.
Status Init::attempt(const core::Plan& plan) {
  Conduct conduct = conduct_;
  const auto most = 20s + 100ms * static_cast<int>(view_.members.size());
  conduct.patience = steady_clock::now() + most;
  const auto began = steady_clock::now();
  KREDIS_CHECK(apply_plan(switchboard_, view_, plan, conduct));
  say("Wait until every node agrees");
  for (int i = 0; quickly_ && i < k_pulses; ++i) {
    KREDIS_CHECK(announce_replicas());
    std::this_thread::sleep_until(began + k_forming_node_timeout);
    KREDIS_CHECK(wake_masters());
    const Status whole =
        wait_at_most(300ms + 10ms * static_cast<int>(view_.members.size()), conduct);
    if (whole || whole.error().code != ErrorCode::timeout) {
      return whole;
    }
  }
  return wait_until(switchboard_, view_, conduct, lacking);
}

/// Makes each replica ping everybody at its next tick, which tells them what it has become.
Status Init::announce_replicas() {
  std::map<std::size_t, ports::Command> replicas;
  for (std::size_t i = 0; i < view_.members.size(); ++i) {
    const core::Node* self = view_.members[i].self();
    if (self != nullptr && self->role == core::Role::replica) {
      replicas[i] = {};
    }
  }
  timeouts_.shorten(replicas, call_deadline(conduct_));
  std::this_thread::sleep_for(k_tick);
  return timeouts_.restore(call_deadline(conduct_));
}

/// Makes each master look at once whether it has waited long enough. SETSLOT STABLE of a slot that
/// is not moving changes nothing, but has the state computed anew before the next command.
Status Init::wake_masters() {
  std::map<std::size_t, ports::Command> masters;
  for (std::size_t i = 0; i < view_.members.size(); ++i) {
    const core::Node* self = view_.members[i].self();
    if (self != nullptr && !self->slots.empty()) {
      const std::string slot = std::to_string(self->slots.ranges().front().first());
      masters[i] = {"CLUSTER", "SETSLOT", slot, "STABLE"};
    }
  }
  timeouts_.shorten(masters, call_deadline(conduct_));
  return timeouts_.restore(call_deadline(conduct_));
}

Status Init::wait_at_most(std::chrono::milliseconds time, const Conduct& conduct) {
  Conduct moment = conduct;
  moment.patience = std::min(conduct.patience, steady_clock::now() + time);
  return wait_until(switchboard_, view_, moment, lacking);
}

Result<InitOutcome> Init::run(ports::KubePort* kube) {
  KREDIS_TRY(core::Plan plan, look_and_plan());
  const core::Placement placement = plan.placement;
  const bool changed = !plan.empty();
  timeouts_.look(call_deadline(conduct_));
  KREDIS_CHECK(timeouts_.restore(call_deadline(conduct_)));  // What an earlier run left short.
  quickly_ = changed && is_new(view_) && options_.form_quickly == FormQuickly::yes;
  for (;;) {
    const Status attempted = attempt(plan);
    if (!attempted && attempted.error().code != ErrorCode::timeout) {
      return attempted.error();
    }
    if (!attempted && steady_clock::now() >= conduct_.deadline) {
      return diagnose_bus(view_, attempted.error(), kube);
    }
    KREDIS_TRY(plan, look_and_plan());
    if (attempted && plan.empty()) {
      return InitOutcome{.view = view_, .placement = placement, .changed = changed};
    }
  }
}

}  // namespace

Result<InitOutcome> initialise(ports::RedisPort& redis,
                               ports::KubePort* kube,
                               ClusterView view,
                               const InitOptions& options,
                               const Conduct& conduct) {
  return Init(redis, std::move(view), options, conduct).run(kube);
}

std::string lacking(const ClusterView& view) {
  for (const Member& member : view.members) {
    if (member.trouble || !member.cluster) {
      return member.pod.name + " does not answer";
    }
  }
  std::size_t well = 0;
  for (const Member& member : view.members) {
    well += member.cluster->state_ok && member.cluster->slots_ok == core::k_slot_count ? 1U : 0U;
  }
  if (well < view.members.size()) {
    return std::to_string(well) + " of " + std::to_string(view.members.size()) +
           " nodes serve all slots";
  }
  return view.all_agree() ? "" : "the nodes do not agree on roles and slots yet";
}

}  // namespace kredis::operations
