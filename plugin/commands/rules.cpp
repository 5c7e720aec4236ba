// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis rules` and `kubectl redis explain`: what lint and the webhook go by.
#include <memory>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include "plugin/commands/verbs.hpp"
#include "plugin/render/lint_report.hpp"

namespace kredis::plugin {
namespace {

constexpr int k_indent = 2;

Result<ExitStatus> run_rules(const std::string& output, Session& session) {
  if (output == "json") {
    session.out() << policy::rules_json().dump(k_indent) << "\n";
  } else {
    session.out() << (output == "markdown" ? rules_markdown() : rules_text());
  }
  return ExitStatus::done;
}

Result<ExitStatus> run_explain(const std::string& id, Session& session) {
  if (const policy::Guard* guard = policy::find_guard(id); guard != nullptr) {
    session.out() << explain_text(*guard, session.style());
    return ExitStatus::done;
  }
  const policy::Rule* rule = policy::find_rule(id);
  if (rule == nullptr) {
    return Error::invalid_argument("there is no rule " + id)
        .with_hint("list them: kubectl redis rules");
  }
  session.out() << explain_text(*rule, session.style());
  return ExitStatus::done;
}

}  // namespace

void add_rules(CLI::App& root, Operation& chosen) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* verb = root.add_subcommand("rules", "List the rules that lint and the webhook go by");
  verb->add_option("-o,--output", *output, "text, json or markdown")
      ->check(CLI::IsMember({"text", "json", "markdown"}));
  verb->footer("Examples:\n  kubectl redis rules\n  kubectl redis rules -o json");
  verb->callback([output, &chosen] {
    chosen = [output](Session& session) { return run_rules(*output, session); };
  });
}

void add_explain(CLI::App& root, Operation& chosen) {
  auto id = std::make_shared<std::string>();
  CLI::App* verb = root.add_subcommand("explain", "Say why a rule is there, with examples");
  verb->add_option("RULE", *id, "The id of a rule or a guard, such as RC007")->required();
  verb->footer("Examples:\n  kubectl redis explain RC007");
  verb->callback(
      [id, &chosen] { chosen = [id](Session& session) { return run_explain(*id, session); }; });
}

}  // namespace kredis::plugin
