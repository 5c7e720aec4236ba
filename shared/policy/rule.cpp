// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rule.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/rules/access.hpp"
#include "shared/policy/rules/health.hpp"
#include "shared/policy/rules/launching.hpp"
#include "shared/policy/rules/meeting.hpp"
#include "shared/policy/rules/placement.hpp"
#include "shared/policy/rules/settings.hpp"
#include "shared/policy/rules/shape.hpp"
#include "shared/policy/rules/storage.hpp"
#include "shared/policy/rules/surroundings.hpp"
#include "shared/policy/rules/writing.hpp"

namespace kredis::policy {
namespace {

template <std::size_t... Sizes>
constexpr auto concatenated(const std::array<Rule, Sizes>&... tables) {
  std::array<Rule, (Sizes + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& table) {
    for (const Rule& rule : table) {
      all[at++] = rule;
    }
  };
  (append(tables), ...);
  return all;
}

constexpr auto k_rules = concatenated(k_placement_rules,
                                      k_shape_rules,
                                      k_launching_rules,
                                      k_storage_rules,
                                      k_settings_rules,
                                      k_health_rules,
                                      k_surroundings_rules,
                                      k_access_rules,
                                      k_writing_rules,
                                      k_meeting_rules);

}  // namespace

std::span<const Rule> rules() noexcept { return k_rules; }

const Rule* find_rule(std::string_view id) noexcept {
  const auto* const found = std::ranges::find_if(
      k_rules, [id](const Rule& rule) { return core::to_lower(rule.id) == core::to_lower(id); });
  return found == k_rules.end() ? nullptr : found;
}

std::string kinds_text(Kinds kinds) {
  constexpr std::array<std::pair<Kinds, std::string_view>, 5> names{
      {{k_stateful_set, "StatefulSet"},
       {k_deployment, "Deployment"},
       {k_config_map, "ConfigMap"},
       {k_service, "Service"},
       {k_budget, "PodDisruptionBudget"}}};
  std::string text;
  for (const auto& [bit, name] : names) {
    if ((kinds & bit) != 0) {
      text += (text.empty() ? "" : ", ") + std::string(name);
    }
  }
  return text;
}

std::string_view to_text(WhenBlind when) {
  switch (when) {
    case WhenBlind::needs_nobody:
      return "looks at the object alone";
    case WhenBlind::sees_less:
      return "judges by the object alone where the others cannot be seen";
    case WhenBlind::passes:
      return "says nothing where the other objects cannot be seen";
  }
  return "";
}

std::string_view to_text(Place place) {
  switch (place) {
    case Place::workload:
      return "the StatefulSet";
    case Place::deployment:
      return "a Deployment";
    case Place::pod:
      return "the pod template's spec";
    case Place::container:
      return "the Redis container";
    case Place::config:
      return "redis.conf in the ConfigMap";
    case Place::service:
      return "the headless Service";
    case Place::budget:
      return "the PodDisruptionBudget";
  }
  return "";
}

}  // namespace kredis::policy
