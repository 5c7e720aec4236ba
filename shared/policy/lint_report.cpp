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

Json sarif_location(const LintFinding& finding) {
  if (finding.line == 0) {
    return {{"logicalLocations",
             Json::array({{{"fullyQualifiedName", finding.file}, {"kind", "resource"}}})}};
  }
  const Json region = {{"startLine", finding.line}, {"startColumn", finding.column}};
  return {
      {"physicalLocation", {{"artifactLocation", {{"uri", finding.file}}}, {"region", region}}}};
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
          {"findings", findings}};
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
    results.push_back({{"ruleId", each.objection.rule},
                       {"level", sarif_level(each.objection.severity)},
                       {"message",
                        {{"text",
                          fmt::format("{} (found: {}; write: {})",
                                      each.objection.message,
                                      each.objection.found,
                                      each.objection.wanted)}}},
                       {"locations", Json::array({sarif_location(each)})}});
  }
  const Json driver = {{"name", "kubectl-redis"}, {"version", version}, {"rules", rules}};
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", Json::array({{{"tool", {{"driver", driver}}}, {"results", results}}})}};
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
