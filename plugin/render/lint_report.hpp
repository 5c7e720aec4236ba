// SPDX-License-Identifier: Apache-2.0
//
// What lint found, as people and JUnit read it.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/policy/guard.hpp"
#include "shared/policy/lint_report.hpp"
#include "shared/policy/rule.hpp"

namespace kredis::plugin {

std::string lint_text(const policy::LintResult& result, const TextStyle& style);

/// JUnit's XML: a test for each finding, failed where it is an error.
std::string lint_junit(const policy::LintResult& result);

/// One rule as `explain` shows it, and all of them as `rules` does.
std::string explain_text(const policy::Rule& rule, const TextStyle& style);
std::string explain_text(const policy::Guard& guard, const TextStyle& style);
std::string rules_text();

/// docs/rules.md.
std::string rules_markdown();

}  // namespace kredis::plugin
