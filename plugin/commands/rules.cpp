// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rules` and `kubectl redis explain`: what lint and the webhook go by, and what
// status finds.
#include <memory>
#include <ostream>
#include <string>

#include "plugin/commands/verbs.hpp"
#include "plugin/render/finding_text.hpp"
#include "plugin/render/lint_report.hpp"
#include "shared/core/findings/finding.hpp"
#include "shared/wire/report.hpp"

namespace kredis::plugin {
namespace {

constexpr int k_indent = 2;

enum class RulesOutput { text, json, markdown };

struct RulesFlags {
  RulesOutput output = RulesOutput::text;
  bool findings = false;
};

struct ExplainFlags {
  std::string id = {};
};

Json findings_json() {
  Json items = Json::array();
  for (const core::FindingKind& kind : core::finding_kinds()) {
    items.push_back({{"id", kind.id},
                     {"severity", core::to_text(kind.severity)},
                     {"title", kind.title},
                     {"why", kind.why},
                     {"data", kind.data},
                     {"mend", kind.mend}});
  }
  return {{"apiVersion", wire::k_report_api}, {"kind", "FindingKindList"}, {"items", items}};
}

Result<ExitStatus> run_rules(const RulesFlags& options, Session& session) {
  if (options.findings) {
    session.out() << (options.output == RulesOutput::json ? findings_json().dump(k_indent) + "\n"
                      : options.output == RulesOutput::markdown ? findings_markdown()
                                                                : findings_text());
    return ExitStatus::done;
  }
  if (options.output == RulesOutput::json) {
    session.out() << policy::rules_json().dump(k_indent) << "\n";
  } else {
    session.out() << (options.output == RulesOutput::markdown ? rules_markdown() : rules_text());
  }
  return ExitStatus::done;
}

Result<ExitStatus> run_explain(const ExplainFlags& options, Session& session) {
  if (const policy::Guard* guard = policy::find_guard(options.id); guard != nullptr) {
    session.out() << explain_text(*guard, session.style());
    return ExitStatus::done;
  }
  if (const core::FindingKind* kind = core::find_finding_kind(options.id); kind != nullptr) {
    session.out() << explain_text(*kind, session.style());
    return ExitStatus::done;
  }
  const policy::Rule* rule = policy::find_rule(options.id);
  if (rule == nullptr) {
    return Error::invalid_argument("there is no rule or finding " + options.id)
        .with_hint("list them: kubectl redis rules, and kubectl redis rules --findings");
  }
  session.out() << explain_text(*rule, session.style());
  return ExitStatus::done;
}

}  // namespace

void add_rules(Verb& root) {
  const auto flags = std::make_shared<RulesFlags>();
  Verb verb = root.subcommand("rules", "List the rules that lint and the webhook go by");
  const Choices<RulesOutput> outputs = {{"text", RulesOutput::text},
                                        {"json", RulesOutput::json},
                                        {"markdown", RulesOutput::markdown}};
  verb.choice("-o,--output", flags->output, outputs, "How they are printed");
  verb.flag("--findings", flags->findings, "List what status finds wrong with clusters instead");
  verb.footer(
      "Examples:\n  kubectl redis rules\n  kubectl redis rules -o json\n"
      "  kubectl redis rules --findings");
  verb.run(flags, run_rules);
}

void add_explain(Verb& root) {
  const auto flags = std::make_shared<ExplainFlags>();
  Verb verb = root.subcommand("explain", "Say why a rule is there, or what a finding means");
  verb.positional("ID", flags->id, "Of a rule, a guard or a finding: RC007, no-replica").required();
  verb.footer("Examples:\n  kubectl redis explain RC007\n  kubectl redis explain no-majority");
  verb.run(flags, run_explain);
}

}  // namespace kredis::plugin
