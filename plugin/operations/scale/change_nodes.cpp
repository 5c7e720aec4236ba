// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/scale/change_nodes.hpp"

#include <variant>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/finish_jobs.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr auto k_scale_pace = 200ms;
/// Surprises in a row after which it is no surprise any more.
constexpr int k_most_surprises = 5;

}  // namespace

Status look_until(Site& site,
                  const Conduct& conduct,
                  const std::function<std::string(const core::ClusterView&)>& missing) {
  return wait_until(conduct, k_scale_pace, [&]() -> Result<std::string> {
    KREDIS_CHECK(site.cluster->look(observe::Ask::everything, conduct.call_deadline()));
    return missing(site.cluster->view());
  });
}

Status NodeChange::run() {
  int surprises = 0;
  for (;;) {
    KREDIS_CHECK(look_until(site_, conduct_, [&](const core::ClusterView& seen) {
      return core::not_settled(seen, wish_);
    }));
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
    const Status done = apply_plan(site_, {.stages = {next}}, conduct_);
    surprises = done ? 0 : surprises + 1;
    const bool again = done || ((done.error().code == ErrorCode::conflict ||
                                 done.error().code == ErrorCode::unreachable) &&
                                surprises < k_most_surprises);
    if (!again) {
      return done.error();
    }
  }
}

}  // namespace kredis::plugin
