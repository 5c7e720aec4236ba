// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/lint_report.hpp"

#include <fmt/format.h>

#include "shared/policy/guard.hpp"
#include "shared/wire/report.hpp"

namespace kredis::policy {
namespace {

/// SARIF 2.1.0, section 3.27.10: its third level has another name.
std::string_view sarif_level(RuleSeverity severity) {
  return severity == RuleSeverity::advice ? "note" : to_text(severity);
}

Json sarif_location(const std::string& file, int line, int column) {
  if (line == 0) {
    return {
        {"logicalLocations", Json::array({{{"fullyQualifiedName", file}, {"kind", "resource"}}})}};
  }
  const Json region = {{"startLine", line}, {"startColumn", column}};
  return {{"physicalLocation", {{"artifactLocation", {{"uri", file}}}, {"region", region}}}};
}

/// SARIF 2.1.0, section 3.20.21: what a tool has to say of its run, not of what it looked at.
Json sarif_invocations(const LintResult& result) {
  Json notifications = Json::array();
  for (const LintSilence& each : result.not_judged) {
    notifications.push_back(
        {{"level", each.broken ? "error" : "warning"},
         {"message", {{"text", each.object + " is not judged: " + each.because}}},
         {"locations", Json::array({sarif_location(each.file, each.line, each.column)})}});
  }
  return Json::array(
      {{{"executionSuccessful", true}, {"toolExecutionNotifications", std::move(notifications)}}});
}

Json silence_json(const LintResult& result) {
  Json list = Json::array();
  for (const LintSilence& each : result.not_judged) {
    Json entry = Json::object();
    if (each.line > 0) {
      entry = {{"file", each.file}, {"line", each.line}, {"column", each.column}};
    }
    entry.update({{"object", each.object}, {"because", each.because}, {"broken", each.broken}});
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Json lint_json(const LintResult& result) {
  Json findings = Json::array();
  for (const LintFinding& each : result.findings) {
    const Objection& objection = each.objection;
    Json finding = Json::object();
    if (each.line > 0) {
      finding = {{"file", each.file}, {"line", each.line}, {"column", each.column}};
    }
    finding.update({{"object", each.object},
                    {"rule", objection.rule},
                    {"severity", to_text(objection.severity)},
                    {"path", objection.path},
                    {"found", objection.found},
                    {"wanted", objection.wanted},
                    {"message", objection.message}});
    findings.push_back(std::move(finding));
  }
  return {{"apiVersion", wire::k_report_api},
          {"kind", result.kind},
          {"objects", result.objects},
          {"recognised", result.recognised},
          {"ignored", result.ignored},
          {"findings", findings},
          {"notJudged", silence_json(result)}};
}

Json lint_sarif(const LintResult& result, const std::string& version) {
  Json rules = Json::array();
  for (const Rule& rule : policy::rules()) {
    rules.push_back({{"id", rule.id},
                     {"shortDescription", {{"text", rule.title}}},
                     {"fullDescription", {{"text", rule.documentation.why}}},
                     {"defaultConfiguration", {{"level", sarif_level(rule.severity)}}}});
  }
  Json results = Json::array();
  for (const LintFinding& each : result.findings) {
    results.push_back(
        {{"ruleId", each.objection.rule},
         {"level", sarif_level(each.objection.severity)},
         {"message",
          {{"text",
            fmt::format("{} (found: {}; write: {})",
                        each.objection.message,
                        each.objection.found,
                        each.objection.wanted)}}},
         {"locations", Json::array({sarif_location(each.file, each.line, each.column)})}});
  }
  const Json driver = {{"name", "kubectl-redis"}, {"version", version}, {"rules", rules}};
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs",
           Json::array({{{"tool", {{"driver", driver}}},
                         {"invocations", sarif_invocations(result)},
                         {"results", results}}})}};
}

Json rules_json() {
  Json list = Json::array();
  for (const Rule& rule : policy::rules()) {
    list.push_back({{"id", rule.id},
                    {"title", rule.title},
                    {"severity", to_text(rule.severity)},
                    {"kinds", kinds_text(rule.kinds)},
                    {"filledIn", rule.patch != nullptr},
                    {"whenBlind", to_text(rule.when_blind)},
                    {"why", rule.documentation.why}});
  }
  Json guards = Json::array();
  for (const Guard& guard : policy::guards()) {
    guards.push_back({{"id", guard.id},
                      {"title", guard.title},
                      {"on", guard.on},
                      {"whenBlind", guard.when_blind},
                      {"why", guard.why}});
  }
  return {{"apiVersion", wire::k_report_api},
          {"kind", "RuleList"},
          {"items", list},
          {"guards", guards}};
}

}  // namespace kredis::policy
