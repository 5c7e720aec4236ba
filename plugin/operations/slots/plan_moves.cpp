// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/slots/plan_moves.hpp"

#include <utility>

#include "plugin/apply/apply_plan.hpp"
#include "shared/core/plans/plan_slots.hpp"

namespace kredis::plugin {
namespace {

constexpr int k_finish_rounds = 10;

}  // namespace

core::Plan plan_of(std::vector<core::MoveSlots> moves, const std::string& reason) {
  return {.stages = core::stages_of(std::move(moves), reason)};
}

Status finish_half_moved(Site& site, const Conduct& conduct) {
  for (int round = 0; round < k_finish_rounds; ++round) {
    const core::ClusterView& view = site.cluster->view();
    core::Plan plan = plan_of(core::half_moved(view), "it is open between the two");
    if (core::Stage marks = core::close_stale_marks(view); !marks.steps.empty()) {
      plan.stages.push_back(std::move(marks));
    }
    if (plan.empty()) {
      return {};
    }
    conduct.say("Finish what an earlier run left half moved");
    KREDIS_CHECK(apply_plan(site, plan, conduct));
    site.cluster->ask(observe::Ask::everything, conduct.call_deadline());
  }
  return {};
}

Result<std::vector<core::MoveSlots>> plan_moves(observe::Cluster& cluster,
                                                const SlotsWish& wish,
                                                const Conduct& conduct) {
  if (const auto* reshard = std::get_if<core::ReshardWish>(&wish)) {
    return core::plan_reshard(cluster.view(), *reshard);
  }
  const auto& rebalance = std::get<Rebalance>(wish);
  KREDIS_TRY(const auto weighs, weigh_slots(cluster, rebalance.by, conduct));
  return core::plan_rebalance(cluster.view(), rebalance.wish, weighs);
}

}  // namespace kredis::plugin
