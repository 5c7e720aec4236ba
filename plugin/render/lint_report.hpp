// SPDX-License-Identifier: Apache-2.0
//
// What lint found, in the forms that people, pipelines and code scanners read.
#pragma once

#include <string>
#include <vector>

#include "plugin/render/text_style.hpp"
#include "shared/policy/guard.hpp"
#include "shared/policy/review.hpp"
#include "shared/policy/rule.hpp"
#include "shared/wire/json.hpp"

namespace kredis::plugin {

struct LintFinding {
  std::string file;  ///< Or namespace/kind/name of what no file holds; line is 0 then.
  int line = 1;
  int column = 1;
  std::string object;  ///< "StatefulSet shop/redis-app"
  policy::Objection objection;
};

struct LintResult {
  std::string kind = "LintReport";  ///< What its JSON is called.
  std::vector<LintFinding> findings = {};
  int objects = 0;     ///< In all files.
  int recognised = 0;  ///< Of those, the ones that belong to a Redis Cluster.
  int ignored = 0;     ///< Of those, the ones that an annotation takes out.
};

std::string lint_text(const LintResult& result, const TextStyle& style);

/// kind LintReport, apiVersion kubectl-redis.dev/v1.
Json lint_json(const LintResult& result);

/// SARIF 2.1.0, which code scanners read.
Json lint_sarif(const LintResult& result, const std::string& version);

/// JUnit's XML: a test for each finding, failed where it is an error.
std::string lint_junit(const LintResult& result);

/// One rule as `explain` shows it, and all of them as `rules` does.
std::string explain_text(const policy::Rule& rule, const TextStyle& style);
std::string explain_text(const policy::Guard& guard, const TextStyle& style);
std::string rules_text();
Json rules_json();

/// docs/rules.md.
std::string rules_markdown();

}  // namespace kredis::plugin
