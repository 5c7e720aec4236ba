// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/scale/change_nodes.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/finish_jobs.hpp"
#include "plugin/apply/quick_copies.hpp"
#include "plugin/apply/surprises.hpp"
#include "plugin/operations/scale/leaving_clients.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr auto k_scale_pace = 200ms;

/// Pods that a stage takes out of the cluster, or introduces to it.
template <typename Kind>
std::set<std::string> pods_of(const core::Stage& stage) {
  std::set<std::string> pods;
  for (const core::Step& step : stage.steps) {
    if (const Kind* what = std::get_if<Kind>(&step.what)) {
      pods.insert(what->pod);
    }
  }
  return pods;
}

/// How long a master waits for more replicas before it copies for one: a second where several come.
int time_to_gather(const core::Stage& stage) {
  std::map<core::NodeId, int> copies;
  int most = 0;
  for (const core::Step& step : stage.steps) {
    if (const auto* what = std::get_if<core::Replicate>(&step.what)) {
      most = std::max(most, ++copies[what->master]);
    }
  }
  return most > 1 ? 1 : 0;
}

}  // namespace

Status look_until(Site& site,
                  const Conduct& conduct,
                  const std::function<std::string(const core::ClusterView&)>& missing) {
  return wait_until(conduct, k_scale_pace, [&]() -> Result<std::string> {
    KREDIS_CHECK(site.cluster->look(observe::Ask::everything, conduct.call_deadline()));
    return missing(site.cluster->view());
  });
}

/// What clients of the nodes need before a stage is carried out.
Status NodeChange::prepare(const core::Stage& stage) {
  if (const auto coming = pods_of<core::Meet>(stage); !coming.empty()) {
    let_clients_come(*site_.cluster, coming, conduct_);
  }
  std::set<std::string> going = pods_of<core::Reset>(stage);
  std::erase_if(going, [&](const std::string& pod) { return !wish_.leaving.contains(pod); });
  return going.empty() ? Status{} : let_clients_go(*site_.cluster, going, conduct_);
}

Status NodeChange::run() {
  Surprises surprises;
  std::optional<QuickCopies> quick;  // Until they are over, which the next look waits for.
  for (;;) {
    KREDIS_CHECK(look_until(site_, conduct_, [&](const core::ClusterView& seen) {
      return core::not_settled(seen, wish_);
    }));
    quick.reset();
    KREDIS_TRY(const bool waited, finish_running_jobs(*site_.cluster, conduct_));
    if (waited) {
      continue;
    }
    KREDIS_TRY(const core::Plan rest, core::plan_scale(site_.cluster->view(), wish_));
    if (rest.empty()) {
      return {};
    }
    const core::Stage& next = rest.stages.front();
    if (!core::not_ready_to_take(site_.cluster->view(), next).empty()) {
      KREDIS_CHECK(look_until(site_, conduct_, [&](const core::ClusterView& seen) {
        return core::not_ready_to_take(seen, next);
      }));
      continue;
    }
    if (std::holds_alternative<core::SetConfig>(next.steps.front().what)) {
      set_off_ = std::exchange(wish_.migrating, {});
    }
    KREDIS_CHECK(prepare(next));
    if (std::holds_alternative<core::Replicate>(next.steps.front().what)) {
      quick.emplace(*site_.cluster, conduct_, time_to_gather(next));
    }
    KREDIS_CHECK(surprises.judge(apply_plan(site_, {.stages = {next}}, conduct_)));
  }
}

}  // namespace kredis::plugin
