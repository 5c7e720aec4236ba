// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_restart.hpp"

#include "shared/core/plans/plan_failover.hpp"

namespace kredis::core {

Stage plan_restart(const ClusterView& view, const std::string& pod, const std::string& reason) {
  Stage stage{.title = "restarting " + pod, .done = "restarted " + pod};
  stage.steps.push_back({.what = WaitFor{ClusterWhole{}}, .reason = "one pod at a time"});
  Step restart{.what = RestartPod{.pod = pod}, .reason = reason};
  const Member* member = view.by_pod(pod);
  const Node* self = member == nullptr ? nullptr : member->self();
  if (self != nullptr && self->role == Role::master && !self->slots.empty()) {
    const auto heirs = plan_hand_overs(view, {.of = FailoverWish::Of::master, .name = pod});
    if (heirs && !heirs->empty()) {
      const Plan hand_over = plan_failover(*heirs);
      for (const Stage& each : hand_over.stages) {
        stage.steps.insert(stage.steps.end(), each.steps.begin(), each.steps.end());
      }
    } else {
      restart.risk = Risk::availability;
      restart.cost = pod +
                     " has no replica that could take over: while it restarts its slots are not "
                     "served, and data that is not on a volume is lost";
    }
  }
  stage.steps.push_back(std::move(restart));
  return stage;
}

}  // namespace kredis::core
