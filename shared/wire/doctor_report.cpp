// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/doctor_report.hpp"

#include <array>
#include <map>
#include <utility>

#include "shared/wire/report.hpp"

namespace kredis::wire {
namespace {

Json steps_json(const core::Plan& plan) {
  Json steps = Json::array();
  for (const core::Stage& stage : plan.stages) {
    for (const core::Step& step : stage.steps) {
      steps.push_back({{"stage", stage.title},
                       {"step", core::to_text(step)},
                       {"reason", step.reason},
                       {"risk", core::to_text(step.risk)},
                       {"cost", step.cost}});
    }
  }
  return steps;
}

Json diagnosis_json(const Diagnosis& diagnosis) {
  const core::Finding& finding = diagnosis.finding;
  const core::FindingKind* kind = core::find_finding_kind(finding.id);
  Json refused = Json::array();
  for (const core::Refusal& each : diagnosis.plan.refused) {
    refused.push_back({{"message", each.why.message}, {"hint", each.why.hint}});
  }
  return {{"id", finding.id},
          {"title", kind == nullptr ? "" : kind->title},
          {"severity", core::to_text(finding.severity)},
          {"message", finding.message},
          {"why", kind == nullptr ? "" : kind->why},
          {"data", kind == nullptr ? "" : kind->data},
          {"remedy",
           {{"kind", core::to_text(finding.remedy.kind)},
            {"command", finding.remedy.command},
            {"advice", finding.remedy.advice}}},
          {"mendable", core::is_mendable(finding.id)},
          {"steps", steps_json(diagnosis.plan)},
          {"refused", std::move(refused)}};
}

/// A label's value in Prometheus' text.
std::string label_text(std::string_view value) {
  std::string text;
  for (const char each : value) {
    if (each == '\n') {
      text += "\\n";
      continue;
    }
    text += each == '"' || each == '\\' ? "\\" : "";
    text += each;
  }
  return text;
}

std::string family(std::string_view name, std::string_view help) {
  const std::string full = "kubectl_redis_" + std::string(name);
  return "# HELP " + full + " " + std::string(help) + "\n# TYPE " + full + " gauge\n";
}

}  // namespace

Json doctor_report(const core::ClusterView& view,
                   core::Health health,
                   const std::vector<Diagnosis>& diagnoses) {
  Json findings = Json::array();
  for (const Diagnosis& each : diagnoses) {
    findings.push_back(diagnosis_json(each));
  }
  return {{"apiVersion", k_report_api},
          {"kind", "ClusterDiagnosis"},
          {"name", view.name},
          {"namespace", view.namespace_},
          {"health", core::to_text(health)},
          {"findings", std::move(findings)}};
}

std::string doctor_metrics(const core::ClusterView& view,
                           core::Health health,
                           const std::vector<Diagnosis>& diagnoses) {
  constexpr std::array k_healths{core::Health::ok,
                                 core::Health::degraded,
                                 core::Health::broken,
                                 core::Health::down,
                                 core::Health::unknown};
  const std::string of =
      "namespace=\"" + label_text(view.namespace_) + "\",cluster=\"" + label_text(view.name) + "\"";
  std::string text = family("cluster_health", "1 for the state that the cluster is in.");
  for (const core::Health each : k_healths) {
    text += "kubectl_redis_cluster_health{" + of + ",health=\"" + std::string(core::to_text(each)) +
            "\"} " + (each == health ? "1" : "0") + "\n";
  }
  text += family("cluster_slots_served", "Slots that clients get answers for.");
  text += "kubectl_redis_cluster_slots_served{" + of + "} " +
          std::to_string(core::served_slots(view).size()) + "\n";
  text += family("finding", "How many findings of that kind and severity there are.");
  std::map<std::pair<std::string, core::Severity>, int> counts;
  for (const Diagnosis& each : diagnoses) {
    ++counts[{each.finding.id, each.finding.severity}];
  }
  for (const auto& [kind, count] : counts) {
    text += "kubectl_redis_finding{" + of + ",id=\"" + label_text(kind.first) + "\",severity=\"" +
            std::string(core::to_text(kind.second)) + "\"} " + std::to_string(count) + "\n";
  }
  return text;
}

}  // namespace kredis::wire
