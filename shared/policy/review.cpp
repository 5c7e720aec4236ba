// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/review.hpp"

#include <algorithm>

#include "shared/policy/patch.hpp"
#include "shared/policy/rule.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

Verdict verdict_on(const Json& object, const Surroundings& around) {
  Verdict verdict{.recognised = is_redis_cluster(object, around), .mutated = object};
  verdict.ignored = verdict.recognised &&
                    text(member(object, {"metadata", "annotations", k_ignore_annotation})) == "true";
  return verdict;
}

bool applies(const Rule& rule, const Subject& subject) {
  return (rule.kinds & subject.kind()) != 0 &&
         (rule.when_blind != WhenBlind::passes || !subject.around().blind());
}

}  // namespace

std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::advice:
      return "advice";
  }
  return "error";
}

bool Verdict::has(Severity severity) const noexcept {
  return std::ranges::any_of(
      objections, [severity](const Objection& each) { return each.severity == severity; });
}

bool is_redis_cluster(const Json& object, const Surroundings& around) {
  const Kinds kind = kind_of(object);
  if ((kind & k_workload) != 0) {
    return is_cluster_workload(object, around);
  }
  if (kind == 0) {
    return false;
  }
  if (is_marked(object)) {
    return true;
  }
  const Subject subject(object, around);
  const auto enabled = subject.setting("cluster-enabled");
  return !subject.workloads().empty() || (enabled && enabled->first() == "yes");
}

Verdict mutate(const Json& object, const Surroundings& around) {
  Verdict verdict = verdict_on(object, around);
  if (!verdict.recognised || verdict.ignored) {
    return verdict;
  }
  Patch patch(object);
  for (const Rule& rule : rules()) {
    if (rule.patch != nullptr && (rule.kinds & kind_of(object)) != 0) {
      // Anew for each rule: what one filled in, the next one builds on.
      const Json current = patch.object();
      const Subject subject(current, around);
      if (applies(rule, subject)) {
        rule.patch(subject, patch);
      }
    }
  }
  verdict.patch = patch.operations();
  verdict.mutated = patch.object();
  return verdict;
}

Verdict validate(const Json& object, const Surroundings& around) {
  Verdict verdict = verdict_on(object, around);
  if (!verdict.recognised || verdict.ignored) {
    return verdict;
  }
  const Subject subject(object, around);
  for (const Rule& rule : rules()) {
    if (applies(rule, subject)) {
      Report report(rule, verdict.objections);
      rule.check(subject, report);
    }
  }
  std::ranges::stable_sort(verdict.objections, {}, &Objection::severity);
  return verdict;
}

}  // namespace kredis::policy
