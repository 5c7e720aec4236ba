// SPDX-License-Identifier: Apache-2.0
//
// What lint found and the table of rules, in the forms that pipelines and code scanners read.
#pragma once

#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/policy/rule.hpp"

namespace kredis::policy {

struct LintFinding {
  std::string file;  ///< Or namespace/kind/name of what no file holds; line is 0 then.
  int line = 1;
  int column = 1;
  std::string object;  ///< "StatefulSet shop/redis-app"
  Objection objection;
};

/// What nothing was found in because nobody looked, or could.
struct LintSilence {
  std::string file;
  int line = 1;
  int column = 1;
  std::string object;
  std::string because;
  bool broken = false;  ///< The file, or the object in it, cannot be read at all.
};

struct LintResult {
  std::string kind = "LintReport";  ///< What its JSON is called.
  std::vector<LintFinding> findings = {};
  std::vector<LintSilence> not_judged = {};
  int objects = 0;     ///< In all files.
  int recognised = 0;  ///< Of those, the ones that belong to a Redis Cluster.
  int ignored = 0;     ///< Of those, the ones that an annotation takes out.
};

/// kind LintReport, apiVersion kubectl-redis.dev/v1.
Json lint_json(const LintResult& result);

/// SARIF 2.1.0, which code scanners read.
Json lint_sarif(const LintResult& result, const std::string& version);

/// kind RuleList: all rules and guards.
Json rules_json();

}  // namespace kredis::policy
