// SPDX-License-Identifier: Apache-2.0
//
// The table of rules. A new rule is a row here, a check, and the examples that tests run: the
// webhook, `lint`, `explain`, `rules` and docs/rules.md all read this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shared/policy/review.hpp"

namespace kredis::policy {

class Subject;
class Report;
class Patch;

/// Kinds of objects, as bits.
using Kinds = std::uint8_t;
inline constexpr Kinds k_stateful_set = 1;
inline constexpr Kinds k_deployment = 2;
inline constexpr Kinds k_workload = k_stateful_set | k_deployment;
inline constexpr Kinds k_config_map = 4;
inline constexpr Kinds k_service = 8;
inline constexpr Kinds k_budget = 16;

/// "StatefulSet, Deployment" for k_workload.
std::string kinds_text(Kinds kinds);

/// What a rule does when it cannot see the other objects.
enum class WhenBlind {
  needs_nobody,  ///< It looks at the one object only.
  sees_less,     ///< It judges by the object alone, and says nothing of the rest.
  passes,        ///< It says nothing at all.
};

std::string_view to_text(WhenBlind when);

/// Where an example's text belongs.
enum class Place { workload, deployment, pod, container, config, service, budget };

std::string_view to_text(Place place);

/// Why a rule is there, and a pair of examples at the rule's boundary: YAML that is merged (RFC
/// 7386) into a sound object at `place`, or lines for redis.conf.
struct Documentation {
  std::string_view why;
  Place place = Place::workload;
  std::string_view bad;
  std::string_view good;
};

struct Rule {
  std::string_view id;
  std::string_view title;  ///< What holds when the rule does.
  Kinds kinds = 0;
  RuleSeverity severity = RuleSeverity::error;
  void (*check)(const Subject&, Report&) = nullptr;
  void (*patch)(const Subject&, Patch&) = nullptr;  ///< Null where nothing can be filled in.
  WhenBlind when_blind = WhenBlind::needs_nobody;
  Documentation documentation = {};
};

/// All rules, in the order of their ids.
std::span<const Rule> rules() noexcept;

/// The rule with that id, in any case of letters; null where there is none.
const Rule* find_rule(std::string_view id) noexcept;

}  // namespace kredis::policy
