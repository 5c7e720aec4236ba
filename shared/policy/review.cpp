// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/review.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "shared/policy/patch.hpp"
#include "shared/policy/rule.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

bool is_ignored(const Json& object) {
  // Whoever made it would undo every change.
  return text(member(object, {"metadata", "annotations", k_ignore_annotation})) == "true" ||
         ((kind_of(object) & k_workload) != 0 && !owner_of(object).empty());
}

Verdict verdict_on(const Json& object, const Surroundings& around) {
  Verdict verdict{.recognised = is_redis_cluster(object, around)};
  verdict.ignored = verdict.recognised && is_ignored(object);
  return verdict;
}

bool applies(const Rule& rule, const Subject& subject) {
  return (rule.kinds & subject.kind()) != 0 &&
         (rule.when_blind != WhenBlind::passes || !subject.around().blind());
}

using RuleIds = std::set<std::string_view>;

std::vector<Objection> objections_of(const Rule& rule, const Subject& subject) {
  std::vector<Objection> objections;
  Report report(rule, objections);
  rule.check(subject, report);
  return objections;
}

/// A ConfigMap that nobody is seen to start from is not refused: an image's own scripts may change
/// every line of it before a server reads it.
RuleSeverity severity_for(const Subject& subject, RuleSeverity severity) {
  const bool unread =
      subject.kind() == k_config_map && subject.readers().empty() && !is_marked(subject.object());
  return unread && severity == RuleSeverity::error ? RuleSeverity::warning : severity;
}

/// What is wrong with the file that a workload starts from, told at the workload.
std::vector<Objection> file_errors(const Subject& workload) {
  const MountedFile& file = workload.config_file();
  const Json* map = workload.look_up("ConfigMap", file.object);
  Surroundings around = workload.around();
  // It may be new, and not yet among what can be listed.
  around.list = [&](std::string_view kind, std::string_view) {
    const bool same = kind == text(member(workload.object(), {"kind"}));
    return same ? std::vector{&workload.object()} : std::vector<const Json*>{};
  };
  std::vector<Objection> errors;
  if (map == nullptr || is_ignored(*map)) {
    return errors;
  }
  const Subject subject(*map, around, file.key);
  for (const Rule& rule : rules()) {
    if (applies(rule, subject) && rule.severity == RuleSeverity::error) {
      for (Objection& each : objections_of(rule, subject)) {
        each.message = "ConfigMap " + file.object + ": " + each.message;
        each.path = workload.container_path();
        errors.push_back(std::move(each));
      }
    }
  }
  return errors;
}

using OnRule = std::function<void(const Rule&)>;

/// `on_rule` is called for each rule that has something against the subject.
void judge(
    const Subject& subject,
    std::vector<Objection>& objections,
    const OnRule& on_rule = [](const Rule&) {}) {
  for (const Rule& rule : rules()) {
    if (!applies(rule, subject)) {
      continue;
    }
    std::vector<Objection> found = objections_of(rule, subject);
    if (!found.empty()) {
      on_rule(rule);
    }
    for (Objection& each : found) {
      each.severity = severity_for(subject, each.severity);
      objections.push_back(std::move(each));
    }
  }
  if (subject.is_workload() && subject.around().workload_answers) {
    std::ranges::move(file_errors(subject), std::back_inserter(objections));
  }
  // A ConfigMap may hold the files of several clusters.
  for (const std::string& key : subject.started_keys()) {
    if (joined("/data", key) != subject.config_text_path() && !subject.judges_one_file()) {
      judge(Subject(subject.object(), subject.around(), key), objections);
    }
  }
}

/// What a finding is told by, before and after a patch: its words may change with the rest.
using Places = std::set<std::pair<std::string, std::string>>;

/// An object with its patch, and what was found in it before and after.
struct FilledIn {
  Patch patch;
  Places before = {};
  Places after = {};
};

/// Runs every patch once, all on the object as it is before this round; says what was found in it.
/// A rule that has nothing against the object has nothing to add.
Places fill_in(Patch& patch, const Surroundings& around, const RuleIds& without) {
  const Subject subject(patch.object(), around);
  std::vector<Objection> objections;
  judge(subject, objections, [&](const Rule& rule) {
    if (rule.patch != nullptr && !without.contains(rule.id)) {
      patch.begin(rule.id);
      rule.patch(subject, patch);
    }
  });
  Places places;
  for (Objection& each : objections) {
    places.emplace(std::move(each.rule), std::move(each.path));
  }
  return places;
}

FilledIn filled_in(Json object, const Surroundings& around, const RuleIds& without) {
  FilledIn filled{.patch = Patch(std::move(object))};
  // A rule may build on what a later one fills in, so the rounds go on until one adds nothing.
  // Patches only add, which makes that end; the limit is for a mistake in a rule. All rounds are
  // done here: the API server calls again only after somebody else's change (reinvocationPolicy:
  // IfNeeded).
  constexpr int k_most_rounds = 8;
  for (int round = 0; round < k_most_rounds; ++round) {
    filled.after = fill_in(filled.patch, around, without);
    if (round == 0) {
      filled.before = filled.after;
    }
    if (!filled.patch.settle()) {
      break;
    }
  }
  return filled;
}

bool includes_all(const Places& all, const Places& some) {
  return std::ranges::includes(all, some);
}

/// The findings of one rule.
Places of_rule(const Places& places, std::string_view rule) {
  Places found;
  std::ranges::copy_if(places, std::inserter(found, found.end()), [rule](const auto& each) {
    return each.first == rule;
  });
  return found;
}

/// A rule whose patch is not to be made: what it has against the object stands all the same, or
/// something new is found that is not without it. Empty where there is none.
std::string_view harmful(const Json& before,
                         const FilledIn& filled,
                         const Surroundings& around,
                         const RuleIds& without) {
  const Places& old = filled.before;
  const Places& now = filled.after;
  for (const std::string_view rule : filled.patch.rules()) {
    if (includes_all(of_rule(now, rule), of_rule(old, rule)) && !of_rule(old, rule).empty()) {
      return rule;
    }
  }
  if (includes_all(old, now)) {
    return {};
  }
  for (const std::string_view rule : filled.patch.rules()) {
    RuleIds fewer = without;
    fewer.insert(rule);
    const Places then = filled_in(before, around, fewer).after;
    const bool better = std::ranges::any_of(
        now, [&](const auto& each) { return !old.contains(each) && !then.contains(each); });
    if (better) {
      return rule;
    }
  }
  return {};
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
  RuleIds without;
  FilledIn filled = filled_in(object, around, without);
  // A patch settles what its rule has against the object, and makes nothing worse, or it is not
  // made. That is what keeps a second pass from adding anything.
  for (std::size_t i = 0; i < rules().size() && !filled.patch.operations().empty(); ++i) {
    const std::string_view rule = harmful(object, filled, around, without);
    if (rule.empty()) {
      break;
    }
    without.insert(rule);
    filled = filled_in(object, around, without);
  }
  verdict.patch = std::move(filled.patch).operations();
  // NOLINTNEXTLINE(bugprone-use-after-move): another member
  verdict.mutated = std::move(filled.patch).object();
  return verdict;
}

/// The API server validates after all mutations, its own defaults and other webhooks' included:
/// rules see the object as it would be stored.
Verdict validate(const Json& object, const Surroundings& around) {
  Verdict verdict = verdict_on(object, around);
  if (!verdict.recognised || verdict.ignored) {
    return verdict;
  }
  judge(Subject(object, around), verdict.objections);
  // A terminal shows the first lines; warnings past the limit are dropped (webhook/decision.cpp).
  std::ranges::stable_sort(verdict.objections, {}, &Objection::severity);
  return verdict;
}

}  // namespace kredis::policy
