// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/review.hpp"

#include <algorithm>
#include <utility>

#include "shared/policy/patch.hpp"
#include "shared/policy/rule.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

Verdict verdict_on(const Json& object, const Surroundings& around) {
  Verdict verdict{.recognised = is_redis_cluster(object, around)};
  verdict.ignored =
      verdict.recognised &&
      text(member(object, {"metadata", "annotations", k_ignore_annotation})) == "true";
  return verdict;
}

bool applies(const Rule& rule, const Subject& subject) {
  return (rule.kinds & subject.kind()) != 0 &&
         (rule.when_blind != WhenBlind::passes || !subject.around().blind());
}

/// Runs every patch once, all on the object as it is before this round; says whether one of them
/// added something.
bool fill_in(Patch& patch, const Surroundings& around) {
  const Subject subject(patch.object(), around);
  for (const Rule& rule : rules()) {
    if (rule.patch != nullptr && applies(rule, subject)) {
      rule.patch(subject, patch);
    }
  }
  return patch.settle();
}

}  // namespace

std::string_view to_text(RuleSeverity severity) {
  switch (severity) {
    case RuleSeverity::error:
      return "error";
    case RuleSeverity::warning:
      return "warning";
    case RuleSeverity::advice:
      return "advice";
  }
  return "error";
}

bool Verdict::has(RuleSeverity severity) const noexcept {
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

Verdict mutate(Json object, const Surroundings& around) {
  Verdict verdict = verdict_on(object, around);
  if (!verdict.recognised || verdict.ignored) {
    verdict.mutated = std::move(object);
    return verdict;
  }
  Patch patch(std::move(object));
  // A rule may build on what a later one fills in, so the rounds go on until one adds nothing.
  // Patches only add, which makes that end; the limit is for a mistake in a rule. All rounds are
  // done here: the API server calls again only after somebody else's change (reinvocationPolicy:
  // IfNeeded).
  constexpr int k_most_rounds = 8;
  for (int round = 0; round < k_most_rounds && fill_in(patch, around); ++round) {
  }
  verdict.patch = std::move(patch).operations();
  verdict.mutated = std::move(patch).object();  // NOLINT(bugprone-use-after-move): another member
  return verdict;
}

/// The API server validates after all mutations, its own defaults and other webhooks' included:
/// rules see the object as it would be stored.
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
  // A terminal shows the first lines; warnings past the limit are dropped (webhook/decision.cpp).
  std::ranges::stable_sort(verdict.objections, {}, &Objection::severity);
  return verdict;
}

}  // namespace kredis::policy
