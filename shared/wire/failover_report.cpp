// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/failover_report.hpp"

#include "shared/wire/report.hpp"
#include "shared/wire/status_report.hpp"

namespace kredis::wire {
namespace {

Json side_json(const core::NodeId& id, const core::Pod& pod) {
  return {{"id", id.to_text()},
          {"pod", pod.name},
          {"node", pod.domain.node},
          {"zone", pod.domain.zone}};
}

Json hand_over_json(const core::HandOver& each) {
  return {{"slots", slots_json(each.slots)},
          {"from", side_json(each.from, each.from_pod)},
          {"to", side_json(each.to, each.to_pod)},
          {"mode", to_text(each.how)},
          {"lagBytes", each.lag_bytes ? Json(*each.lag_bytes) : Json()},
          {"oldMasterFollows", each.from_answers}};
}

}  // namespace

std::string to_text(core::TakeOver how) {
  switch (how) {
    case core::TakeOver::in_step:
      return "in-step";
    case core::TakeOver::force:
      return "force";
    case core::TakeOver::takeover:
      return "takeover";
  }
  return "";
}

Json failover_report(const FailoverReport& report) {
  Json hand_overs = Json::array();
  for (const core::HandOver& each : report.hand_overs) {
    hand_overs.push_back(hand_over_json(each));
  }
  return {{"apiVersion", k_report_api},
          {"kind", "Failover"},
          {"name", report.name},
          {"namespace", report.namespace_},
          {"dryRun", report.dry_run},
          {"changed", !report.dry_run && !report.hand_overs.empty()},
          {"handOvers", std::move(hand_overs)},
          {"silentPods", report.silent},
          {"milliseconds", report.took.count()}};
}

}  // namespace kredis::wire
