// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/doctor_text.hpp"

#include <algorithm>
#include <tuple>

#include "plugin/render/plan_text.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

std::string indented(const std::string& text, const std::string& by) {
  std::string shifted;
  for (const std::string_view line : core::split_lines(text)) {
    shifted += by + std::string(line) + "\n";
  }
  return shifted;
}

std::string severity_text(core::Severity severity, const TextStyle& style) {
  const std::string word(core::to_text(severity));
  return severity == core::Severity::error     ? style.red(word)
         : severity == core::Severity::warning ? style.yellow(word)
                                               : word;
}

std::string what_to_do(const wire::Diagnosis& diagnosis) {
  const core::FixPlan& plan = diagnosis.plan;
  std::string text;
  if (!plan.empty()) {
    text += "  fix would\n" + indented(render_plan(plan), "    ");
    for (const std::string& cost : core::costs_of(plan)) {
      text += "    asks first: " + cost + "\n";
    }
  }
  text += indented(render_refusals(plan.refused), "  ");
  if (text.empty()) {
    text = "  to do    " + diagnosis.finding.remedy.to_text() + "\n";
  }
  return text;
}

std::string diagnosis_text(const wire::Diagnosis& diagnosis, const TextStyle& style) {
  const core::Finding& finding = diagnosis.finding;
  const core::FindingKind* kind = core::find_finding_kind(finding.id);
  std::string text = severity_text(finding.severity, style) + "  " + style.bold(finding.id) + "  " +
                     finding.message + "\n";
  if (kind != nullptr) {
    text +=
        "  why      " + std::string(kind->why) + "\n  data     " + std::string(kind->data) + "\n";
  }
  return text + what_to_do(diagnosis);
}

/// The Kubernetes node that would be missed most.
std::string weakest_text(const core::Survival& survival) {
  const auto worst = std::ranges::max_element(survival.nodes, {}, [](const auto& entry) {
    return std::tuple{entry.second.slots.size(), entry.second.majority_gone, entry.second.masters};
  });
  if (worst == survival.nodes.end() || worst->second.survived()) {
    return "";
  }
  const core::Loss& loss = worst->second;
  return "weakest place: Kubernetes node " + worst->first + ": without it " +
         (loss.slots.empty() ? "no majority of masters is left"
                             : "slots " + loss.slots.to_text() + " lose their last copy") +
         "\n";
}

}  // namespace

std::string render_refusals(const std::vector<core::Refusal>& refused) {
  std::string text;
  for (const core::Refusal& each : refused) {
    text += "not mended: " + each.finding + ": " + each.why.message + "\n" +
            (each.why.hint.empty() ? "" : "  " + each.why.hint + "\n");
  }
  return text;
}

std::string render_left(const std::vector<core::Finding>& left) {
  std::string text;
  for (const core::Finding& each : left) {
    text += "left: " + each.id + ": " + each.message + "\n  " + each.remedy.to_text() + "\n";
  }
  return text;
}

std::string render_doctor(const StatusPicture& picture,
                          const std::vector<wire::Diagnosis>& diagnoses,
                          const TextStyle& style) {
  std::string text = "cluster " + picture.view.name + " is " +
                     std::string(core::to_text(picture.health)) + ", " +
                     core::counted(static_cast<std::int64_t>(diagnoses.size()), "finding") + "\n" +
                     weakest_text(picture.survival);
  for (const wire::Diagnosis& each : diagnoses) {
    text += "\n" + diagnosis_text(each, style);
  }
  if (std::ranges::any_of(diagnoses,
                          [](const wire::Diagnosis& each) { return !each.plan.empty(); })) {
    text += "\nto mend: " + core::redis_command(picture.view, "fix") + "\n";
  }
  return text;
}

}  // namespace kredis::plugin
