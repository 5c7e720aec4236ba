// SPDX-License-Identifier: Apache-2.0
//
// A sound cluster that guards are asked about, and how it was seen.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "shared/policy/guard.hpp"
#include "tests/support/builders.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {

using testing::ViewBuilder;

inline const Json k_none;
inline constexpr const char* k_user = "kubernetes-admin";

/// The article's order, well spread: pod 3 + i replicates pod i.
inline core::ClusterView healthy() { return ViewBuilder::whole(3, 1).build(); }

struct GuardBed {
  Objects objects = sound_objects();
  Sight sight = {.view = std::make_shared<const core::ClusterView>(healthy()), .age_seconds = 2};

  explicit GuardBed(core::ClusterView view = healthy()) {
    sight.view = std::make_shared<const core::ClusterView>(std::move(view));
  }
  Json& set() { return first(objects, "StatefulSet"); }

  // What a request says, one word after the other. NOLINTNEXTLINE(readability-function-size)
  GuardAnswer ask(const char* operation,
                  const char* resource,
                  const char* subresource,
                  const std::string& name,
                  const Json& object = k_none,
                  const Json& before = k_none,
                  const char* user = k_user) const {
    const Act act{operation, resource, subresource, "default", name, user, object, before};
    return guard(act, beside(objects), [this](const Json&) { return sight; });
  }
  GuardAnswer evict(int pod) const {
    return ask("CREATE", "pods", "eviction", testing::pod_name(pod), {{"kind", "Eviction"}});
  }
  GuardAnswer remove(int pod,
                     const char* user = k_user,
                     const Json& metadata = Json::object()) const {
    return ask(
        "DELETE", "pods", "", testing::pod_name(pod), k_none, {{"metadata", metadata}}, user);
  }
  /// As the API server sends it: without a zero.
  static Json count(int replicas) {
    return replicas == 0 ? Json::object() : Json{{"replicas", replicas}};
  }
  GuardAnswer scale(int from, int to) const {
    return ask("UPDATE",
               "statefulsets",
               "scale",
               "redis-app",
               {{"spec", count(to)}},
               {{"spec", count(from)}});
  }
  GuardAnswer claim(int ordinal) const {
    return ask(
        "DELETE", "persistentvolumeclaims", "", "redis-data-redis-app-" + std::to_string(ordinal));
  }
};

inline bool refused(const GuardAnswer& answer, std::string_view id) {
  return answer.objection && answer.objection->severity == RuleSeverity::error &&
         answer.objection->rule == id;
}

inline bool warned(const GuardAnswer& answer, std::string_view id) {
  return answer.objection && answer.objection->severity == RuleSeverity::warning &&
         answer.objection->rule == id;
}

inline bool passed(const GuardAnswer& answer) { return answer.concerned && !answer.objection; }

inline void allow(Json& object) {
  object["metadata"]["annotations"]["kubectl-redis.dev/allow-delete"] = "true";
}

}  // namespace kredis::policy
