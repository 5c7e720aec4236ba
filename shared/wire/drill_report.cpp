// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/drill_report.hpp"

#include "shared/wire/report.hpp"
#include "shared/wire/status_report.hpp"

namespace kredis::wire {
namespace {

using std::chrono::milliseconds;

Json time_json(const std::optional<milliseconds>& time) {
  return time ? Json(time->count()) : Json();
}

Json gap_json(const ProbeGap& gap, milliseconds struck_at) {
  const auto whole = [](ProbeTime time) {
    return std::chrono::duration_cast<milliseconds>(time).count();
  };
  return {{"milliseconds", whole(gap.length)},
          {"fromMilliseconds", whole(gap.from) - struck_at.count()}};
}

Json probe_json(const ProbeResult& probe) {
  ProbeTally all = probe.victim;
  all.add(probe.others);
  Json acknowledged = Json::array();
  Json failed = Json::array();
  for (const ProbeInterval& each : all.intervals()) {
    acknowledged.push_back(each.acknowledged);
    failed.push_back(each.failed);
  }
  return {{"writes", all.writes()},
          {"reads", all.reads()},
          {"failed", all.failures()},
          {"failures", Json(all.reasons())},
          {"lostWrites", probe.lost_writes ? Json(*probe.lost_writes) : Json()},
          {"longestGap", gap_json(probe.victim.gap(), probe.struck_at)},
          {"longestGapElsewhere", gap_json(probe.others.gap(), probe.struck_at)},
          {"timeline",
           {{"intervalMilliseconds", k_probe_interval.count()},
            {"struckAtMilliseconds", probe.struck_at.count()},
            {"acknowledged", std::move(acknowledged)},
            {"failed", std::move(failed)}}}};
}

}  // namespace

std::string to_text(DrillStrike strike) {
  return strike == DrillStrike::delete_pod ? "delete" : "freeze";
}

Json drill_report(const DrillReport& report) {
  Json candidates = Json::array();
  for (const core::Pod& pod : report.drill.replicas) {
    candidates.push_back(pod.name);
  }
  Json json{{"apiVersion", k_report_api},
            {"kind", "FailoverDrill"},
            {"name", report.name},
            {"namespace", report.namespace_},
            {"dryRun", report.dry_run},
            {"strike", to_text(report.strike)},
            {"master",
             {{"id", report.drill.victim.to_text()},
              {"pod", report.drill.pod.name},
              {"node", report.drill.pod.domain.node},
              {"zone", report.drill.pod.domain.zone},
              {"slots", slots_json(report.drill.slots)}}},
            {"replicas", std::move(candidates)},
            {"lagBytes", report.drill.lag_bytes}};
  if (report.dry_run) {
    return json;
  }
  json["promoted"] =
      report.heir ? Json{{"id", report.heir->to_text()}, {"pod", report.heir_pod}} : Json();
  json["milliseconds"] = {{"suspected", time_json(report.times.suspected)},
                          {"detected", time_json(report.times.detected)},
                          {"promoted", time_json(report.times.promoted)},
                          {"healed", time_json(report.times.healed)}};
  json["missing"] = report.missing;
  json["probe"] = probe_json(report.probe);
  return json;
}

}  // namespace kredis::wire
