// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rules` and `kubectl redis explain`: what lint and the webhook go by.
#include <memory>
#include <ostream>
#include <string>

#include "plugin/commands/verbs.hpp"
#include "plugin/render/lint_report.hpp"

namespace kredis::plugin {
namespace {

constexpr int k_indent = 2;

enum class RulesOutput { text, json, markdown };

struct RulesFlags {
  RulesOutput output = RulesOutput::text;
};

struct ExplainFlags {
  std::string id = {};
};

Result<ExitStatus> run_rules(const RulesFlags& options, Session& session) {
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
  const policy::Rule* rule = policy::find_rule(options.id);
  if (rule == nullptr) {
    return Error::invalid_argument("there is no rule " + options.id)
        .with_hint("list them: kubectl redis rules");
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
  verb.footer("Examples:\n  kubectl redis rules\n  kubectl redis rules -o json");
  verb.run(flags, run_rules);
}

void add_explain(Verb& root) {
  const auto flags = std::make_shared<ExplainFlags>();
  Verb verb = root.subcommand("explain", "Say why a rule is there, with examples");
  verb.positional("RULE", flags->id, "The id of a rule or a guard, such as RC007").required();
  verb.footer("Examples:\n  kubectl redis explain RC007");
  verb.run(flags, run_explain);
}

}  // namespace kredis::plugin
