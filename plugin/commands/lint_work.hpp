// SPDX-License-Identifier: Apache-2.0
//
// What `lint` and `policy report` have in common: from findings to what is printed and returned.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "plugin/commands/verb.hpp"
#include "plugin/render/lint_report.hpp"
#include "plugin/terminal/text_style.hpp"
#include "shared/core/error.hpp"
#include "shared/json/json.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {

/// "StatefulSet shop/redis-app".
std::string title_of(const Json& object);

enum class ReportOutput { text, json, sarif, junit };

/// -o, with these.
void add_report_output(Verb& verb, ReportOutput& output);

/// Prints in one of these forms.
void print_findings(const policy::LintResult& result,
                    ReportOutput output,
                    std::ostream& out,
                    const TextStyle& style);

/// Whether what was not judged counts as an error.
enum class Strictness { lenient, strict };

/// 3 where an error was found, or something that is no object.
ExitStatus exit_of(const policy::LintResult& result, Strictness strictness = Strictness::lenient);

/// Adds why nothing was said of `object`, where that needs saying.
void add_silence(policy::LintResult& result,
                 const Json& object,
                 const policy::Surroundings& around,
                 const std::function<policy::LintSilence(const std::string&)>& at);

}  // namespace kredis::plugin
