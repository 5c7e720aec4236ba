// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/lint_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "plugin/render/table.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

using policy::RuleSeverity;

std::string painted(RuleSeverity severity, const TextStyle& style) {
  const std::string word(policy::to_text(severity));
  switch (severity) {
    case RuleSeverity::error:
      return style.red(word);
    case RuleSeverity::warning:
      return style.yellow(word);
    case RuleSeverity::advice:
      break;
  }
  return style.dim(word);
}

int count_of(const policy::LintResult& result, RuleSeverity severity) {
  return static_cast<int>(std::ranges::count_if(
      result.findings,
      [severity](const policy::LintFinding& each) { return each.objection.severity == severity; }));
}

std::string xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return result;
}

/// "redis.yaml:3:5", or the object alone.
std::string place_of(const policy::LintFinding& finding) {
  return finding.line == 0 ? finding.file
                           : fmt::format("{}:{}:{}", finding.file, finding.line, finding.column);
}

std::string fenced(std::string_view text, std::string_view language) {
  return fmt::format("```{}\n{}```\n", language, text);
}

std::string_view language_of(const policy::Rule& rule) {
  return rule.documentation.place == policy::Place::config ? "" : "yaml";
}

std::string indented(std::string_view text) {
  std::string result = "    ";
  for (const char c : text) {
    result += c;
    if (c == '\n') {
      result += "    ";
    }
  }
  result.resize(result.find_last_not_of(' ') + 1);
  return result;
}

}  // namespace

std::string lint_text(const policy::LintResult& result, const TextStyle& style) {
  std::string text;
  for (const policy::LintFinding& each : result.findings) {
    const policy::Objection& objection = each.objection;
    text += fmt::format("{}: {} {} {}\n",
                        place_of(each),
                        painted(objection.severity, style),
                        style.bold(objection.rule),
                        objection.message);
    text += fmt::format("  {} {}\n  found: {}\n  write: {}\n",
                        each.object,
                        objection.path,
                        objection.found,
                        objection.wanted);
  }
  for (const policy::LintSilence& each : result.not_judged) {
    const std::string place =
        each.line == 0 ? each.file : fmt::format("{}:{}:{}", each.file, each.line, each.column);
    text += fmt::format("{}: {} {}: {}\n",
                        place,
                        each.broken ? style.red("not judged") : style.yellow("not judged"),
                        style.bold(each.object),
                        each.because);
  }
  text += fmt::format(
      "{}, {} of a Redis Cluster{}: {}, {}, {}{}\n",
      core::counted(result.objects, "object"),
      result.recognised,
      result.ignored == 0 ? "" : fmt::format(" ({} ignored)", result.ignored),
      core::counted(count_of(result, RuleSeverity::error), "error"),
      core::counted(count_of(result, RuleSeverity::warning), "warning"),
      fmt::format("{} advice", count_of(result, RuleSeverity::advice)),
      result.not_judged.empty() ? "" : fmt::format(", {} not judged", result.not_judged.size()));
  return text;
}

std::string lint_junit(const policy::LintResult& result) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"kubectl redis {}\" tests=\"{}\" failures=\"{}\">\n",
      result.kind == "LintReport" ? "lint" : "policy report",
      result.findings.size() + result.not_judged.size(),
      count_of(result, RuleSeverity::error));
  for (const policy::LintSilence& each : result.not_judged) {
    text += fmt::format(
        "  <testcase classname=\"{}\" name=\"{}\">\n    <skipped message=\"{}\"/>\n  </testcase>\n",
        xml(each.file),
        xml(each.object),
        xml(each.because));
  }
  for (const policy::LintFinding& each : result.findings) {
    const std::string what = fmt::format("{}: {}\nfound: {}\nwrite: {}",
                                         place_of(each),
                                         each.objection.message,
                                         each.objection.found,
                                         each.objection.wanted);
    const bool failed = each.objection.severity == RuleSeverity::error;
    text += fmt::format(
        "  <testcase classname=\"{}\" name=\"{} {}\">\n    <{}>{}</{}>\n  </testcase>\n",
        xml(each.file),
        each.objection.rule,
        xml(each.object),
        failed ? fmt::format("failure message=\"{}\"", xml(each.objection.message)) : "system-out",
        xml(what),
        failed ? "failure" : "system-out");
  }
  return text + "</testsuite>\n";
}

std::string explain_text(const policy::Rule& rule, const TextStyle& style) {
  const policy::Documentation& documentation = rule.documentation;
  return fmt::format(
      "{}  {}\n\nseverity  {}\nkinds     {}\nmended    {}\nblind     {}\n\n{}\n\n"
      "bad, in {}:\n{}\ngood:\n{}",
      style.bold(rule.id),
      rule.title,
      painted(rule.severity, style),
      policy::kinds_text(rule.kinds),
      rule.patch != nullptr ? "by the webhook and by lint --fix, where it is missing" : "by hand",
      policy::to_text(rule.when_blind),
      documentation.why,
      policy::to_text(documentation.place),
      indented(documentation.bad),
      indented(documentation.good));
}

std::string explain_text(const policy::Guard& guard, const TextStyle& style) {
  return fmt::format("{}  {}\n\nasked     {}\nblind     {}\n\n{}\n",
                     style.bold(guard.id),
                     guard.title,
                     guard.on,
                     guard.when_blind,
                     guard.why);
}

std::string rules_text() {
  std::vector<std::vector<std::string>> rows;
  for (const policy::Rule& rule : policy::rules()) {
    rows.push_back({std::string(rule.id),
                    std::string(policy::to_text(rule.severity)),
                    rule.patch != nullptr ? "yes" : "no",
                    std::string(rule.title)});
  }
  for (const policy::Guard& guard : policy::guards()) {
    rows.push_back({std::string(guard.id), "guard", "no", std::string(guard.title)});
  }
  return render_table({"RULE", "SEVERITY", "FILLED-IN", "WHAT-HOLDS"}, rows);
}

std::string rules_markdown() {
  std::string text =
      "# Rules\n\n"
      "What `kubectl redis lint` and the webhook hold an object of a Redis Cluster against; made by\n"
      "`kubectl redis rules -o markdown`. An error refuses the object, a warning is told, advice only\n"
      "`lint` tells. The annotation `kubectl-redis.dev/ignore: \"true\"` takes an object out.\n";
  for (const policy::Rule& rule : policy::rules()) {
    text += fmt::format("\n## {}: {}\n\n{}{}, for {}; {}.\n\n{}\n\nBad, in {}:\n\n{}\nGood:\n\n{}",
                        rule.id,
                        rule.title,
                        policy::to_text(rule.severity),
                        rule.patch != nullptr ? ", filled in where it is missing" : "",
                        policy::kinds_text(rule.kinds),
                        policy::to_text(rule.when_blind),
                        rule.documentation.why,
                        policy::to_text(rule.documentation.place),
                        fenced(rule.documentation.bad, language_of(rule)),
                        fenced(rule.documentation.good, language_of(rule)));
  }
  text +=
      "\n# Guards\n\n"
      "What the webhook alone keeps from happening to a cluster that runs, by how it saw the cluster a few\n"
      "seconds ago. `kubectl-redis.dev/allow-delete: \"true\"` on the workload, the pod or the claim allows it,\n"
      "and is logged and counted. The level of the namespace holds for guards too.\n";
  for (const policy::Guard& guard : policy::guards()) {
    text += fmt::format("\n## {}: {}\n\n{}.\n\n{}\n\nWhen the cluster cannot be seen: {}.\n",
                        guard.id,
                        guard.title,
                        guard.on,
                        guard.why,
                        guard.when_blind);
  }
  return text;
}

}  // namespace kredis::plugin
