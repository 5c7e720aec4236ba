// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/initialise.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/operations/init/await_links.hpp"
#include "plugin/operations/init/bus_diagnosis.hpp"
#include "plugin/operations/init/forming_node_timeouts.hpp"
#include "shared/core/plans/plan_init.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Member;
using namespace std::chrono_literals;

/// Nodes do their housekeeping ten times a second.
constexpr std::chrono::milliseconds k_tick = 110ms;
/// With less time left than this, another attempt would only hide why the last one failed.
constexpr std::chrono::milliseconds k_shortest_attempt = 1s;
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
  Init(observe::Cluster& cluster, const InitOptions& options, const Conduct& conduct)
      : options_(options),
        conduct_(conduct),
        cluster_(cluster),
        timeouts_(cluster.switchboard(), options.configured_node_timeout) {}

  Result<InitOutcome> run(ports::KubePort* kube);

 private:
  Status attempt(const core::Plan& plan);
  Status hasten(ports::Deadline began, ports::Deadline give_up);
  Status announce(const std::vector<std::size_t>& nodes, std::chrono::milliseconds node_timeout);
  Status wake_masters(std::chrono::milliseconds node_timeout);
  Result<core::InitPlan> look_and_plan();
  const ClusterView& view() const { return cluster_.view(); }

  const InitOptions& options_;
  const Conduct& conduct_;
  observe::Cluster& cluster_;
  FormingNodeTimeouts timeouts_;
  bool quickly_ = false;
};

/// The password that we log in with; empty where there is none, or it is another user's.
std::string own_password(observe::Cluster& cluster) {
  const core::Command login = cluster.switchboard().login();
  constexpr std::size_t k_default_user = 2;  // AUTH PASSWORD.
  return login.size() == k_default_user ? login.back() : "";
}

Result<core::InitPlan> Init::look_and_plan() {
  cluster_.ask(observe::Ask::everything, conduct_.call_deadline());
  KREDIS_TRY(core::InitPlan plan, core::plan_init(view(), options_.shape));
  core::Stage first = core::letting_in(view(), own_password(cluster_));
  if (!first.steps.empty()) {
    plan.stages.insert(plan.stages.begin(), std::move(first));
  }
  return plan;
}

/// Applies `plan` and waits until the cluster is whole, for as long as one attempt may take: links
/// that were not made by then are given up by the nodes, and have to be asked for again.
Status Init::attempt(const core::Plan& plan) {
  const auto nodes = static_cast<int>(view().members.size());
  const auto began = conduct_.now();
  const Conduct conduct = conduct_.with_patience(20s + 100ms * nodes);
  Site site{.cluster = &cluster_};
  KREDIS_CHECK(apply_plan(site, plan, conduct));
  conduct_.say("Wait until every node agrees");
  if (quickly_) {
    KREDIS_CHECK(hasten(began, began + 5s + 50ms * nodes));
  }
  return wait_until_seen(cluster_, conduct, lacking);
}

/// Helps the nodes of a new cluster along until it is whole, or until `give_up`.
Status Init::hasten(ports::Deadline began, ports::Deadline give_up) {
  auto next_announcement = began;
  const auto ripe = began + k_forming_node_timeouts[k_least_to_serve] + 10ms;
  while (!lacking(view()).empty() && conduct_.now() < std::min(give_up, conduct_.deadline)) {
    const std::vector<std::size_t> unheard = misunderstood(view());
    const auto now = conduct_.now();
    if (!unheard.empty() && now >= next_announcement) {
      const auto node_timeout = forming_node_timeout(now - began, 0);
      next_announcement = now + node_timeout / 2;  // Sooner, they would ping nobody.
      KREDIS_CHECK(announce(unheard, node_timeout));
    } else if (now < ripe) {
      conduct_.clock->sleep_until(unheard.empty() ? ripe : std::min(ripe, next_announcement));
    } else {
      KREDIS_CHECK(wake_masters(forming_node_timeout(now - began, k_least_to_serve)));
      conduct_.clock->sleep_until(conduct_.now() + 10ms);
    }
    if (conduct_.is_cancelled()) {
      return {};  // The wait that follows says so.
    }
    cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
  }
  return {};
}

/// Makes these nodes ping everybody at their next tick, which tells what they have become.
Status Init::announce(const std::vector<std::size_t>& nodes,
                      std::chrono::milliseconds node_timeout) {
  std::map<std::size_t, core::Command> targets;
  for (const std::size_t at : nodes) {
    targets[at] = {};
  }
  timeouts_.shorten(node_timeout, targets, conduct_.call_deadline());
  conduct_.clock->sleep_until(conduct_.now() + k_tick);
  return timeouts_.restore(conduct_.call_deadline());
}

/// Makes each master look at once whether it has waited long enough. SETSLOT STABLE of a slot that
/// is not moving changes nothing, but has the state computed anew before the next command.
Status Init::wake_masters(std::chrono::milliseconds node_timeout) {
  std::map<std::size_t, core::Command> masters;
  for (std::size_t i = 0; i < view().members.size(); ++i) {
    const Member& member = view().members[i];
    const core::Node* self = member.self();
    if (self != nullptr && !self->slots.empty() && !member.cluster->state_ok) {
      const std::string slot = std::to_string(self->slots.ranges().front().first());
      masters[i] = {"CLUSTER", "SETSLOT", slot, "STABLE"};
    }
  }
  timeouts_.shorten(node_timeout, masters, conduct_.call_deadline());
  return timeouts_.restore(conduct_.call_deadline());
}

Result<InitOutcome> Init::run(ports::KubePort* kube) {
  KREDIS_TRY(core::InitPlan plan, look_and_plan());
  const core::Placement placement = plan.placement;
  const bool changed = !plan.empty();
  timeouts_.look(conduct_.call_deadline());
  KREDIS_CHECK(timeouts_.restore(conduct_.call_deadline()));  // What an earlier run left short.
  quickly_ = changed && is_new(view()) && options_.form_quickly == FormQuickly::yes;
  for (;;) {
    const Status attempted = attempt(plan);
    if (!attempted && attempted.error().code != ErrorCode::timeout) {
      return attempted.error();
    }
    if (!attempted && conduct_.now() + k_shortest_attempt >= conduct_.deadline) {
      return diagnose_bus(view(), attempted.error(), kube);
    }
    KREDIS_TRY(plan, look_and_plan());
    if (attempted && plan.empty()) {
      if (changed && options_.link_time > 0ms) {
        await_links(cluster_, conduct_.with_patience(options_.link_time));
      }
      return InitOutcome{.view = view(), .placement = placement, .changed = changed};
    }
  }
}

}  // namespace

Result<InitOutcome> initialise(observe::Cluster& cluster,
                               ports::KubePort* kube,
                               const InitOptions& options,
                               const Conduct& conduct) {
  return Init(cluster, options, conduct).run(kube);
}

std::vector<std::size_t> misunderstood(const ClusterView& view) {
  std::vector<std::size_t> nodes;
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    const core::Node* self = view.members[i].self();
    const bool someone_errs =
        self != nullptr && std::ranges::any_of(view.members, [self](const Member& viewer) {
          const core::Node* seen = viewer.view ? viewer.view->find(self->id) : nullptr;
          return seen != nullptr && (seen->role != self->role || seen->master != self->master ||
                                     seen->slots != self->slots);
        });
    if (someone_errs) {
      nodes.push_back(i);
    }
  }
  return nodes;
}

std::string lacking(const ClusterView& view) {
  for (const Member& member : view.members) {
    if (member.trouble || !member.cluster) {
      return member.pod.name + " does not answer";
    }
  }
  std::size_t well = 0;
  const Member* first_unwell = nullptr;
  for (const Member& member : view.members) {
    if (member.cluster->state_ok && member.cluster->slots_ok == core::k_slot_count) {
      ++well;
    } else if (first_unwell == nullptr) {
      first_unwell = &member;
    }
  }
  if (first_unwell != nullptr) {
    return std::to_string(well) + " of " + std::to_string(view.members.size()) +
           " nodes serve all slots; " + first_unwell->pod.name + " sees " +
           std::to_string(first_unwell->cluster->slots_ok);
  }
  return view.all_agree() ? "" : "the nodes do not agree on roles and slots yet";
}

}  // namespace kredis::plugin
