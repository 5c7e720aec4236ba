// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/lint_work.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "shared/policy/not_judged.hpp"

namespace kredis::plugin {

std::string title_of(const Json& object) {
  const auto text = [&object](const char* path) {
    const Json::json_pointer pointer(path);
    const bool there = object.contains(pointer) && object[pointer].is_string();
    return there ? object[pointer].get<std::string>() : std::string{};
  };
  const std::string namespace_ = text("/metadata/namespace");
  return text("/kind") + " " + (namespace_.empty() ? "" : namespace_ + "/") +
         text("/metadata/name");
}

void add_report_output(Verb& verb, ReportOutput& output) {
  const Choices<ReportOutput> choices = {{"text", ReportOutput::text},
                                         {"json", ReportOutput::json},
                                         {"sarif", ReportOutput::sarif},
                                         {"junit", ReportOutput::junit}};
  verb.choice("-o,--output", output, choices, "How it is printed");
}

void print_findings(const policy::LintResult& result,
                    ReportOutput output,
                    std::ostream& out,
                    const TextStyle& style) {
  constexpr int k_indent = 2;
  switch (output) {
    case ReportOutput::text:
      out << lint_text(result, style);
      break;
    case ReportOutput::json:
      out << policy::lint_json(result).dump(k_indent, ' ', false, Json::error_handler_t::replace)
          << "\n";
      break;
    case ReportOutput::sarif:
      out << policy::lint_sarif(result, KREDIS_VERSION)
                 .dump(k_indent, ' ', false, Json::error_handler_t::replace)
          << "\n";
      break;
    case ReportOutput::junit:
      out << lint_junit(result);
      break;
  }
}

void add_silence(policy::LintResult& result,
                 const Json& object,
                 const policy::Surroundings& around,
                 const std::function<policy::LintSilence(const std::string&)>& at) {
  const policy::Silence silence = policy::silence_on(object, around);
  if (!silence.because.empty()) {
    policy::LintSilence told = at(silence.path);
    told.object = title_of(object);
    told.because = silence.because;
    told.broken = silence.broken;
    result.not_judged.push_back(std::move(told));
  }
}

ExitStatus exit_of(const policy::LintResult& result, Strictness strictness) {
  const bool silent = std::ranges::any_of(result.not_judged, [&](const policy::LintSilence& each) {
    return each.broken || strictness == Strictness::strict;
  });
  const bool errors = std::ranges::any_of(result.findings, [](const policy::LintFinding& each) {
    return each.objection.severity == policy::RuleSeverity::error;
  });
  return errors || silent ? ExitStatus::refused : ExitStatus::done;
}

}  // namespace kredis::plugin
