// SPDX-License-Identifier: Apache-2.0
//
// Changes that Kubernetes refuses: fields that are settled when an object is made.
#include <array>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/names.hpp"
#include "tests/sandbox/api/quantity.hpp"
#include "tests/sandbox/api/validation.hpp"

namespace kredis::sandbox::api {
namespace {

using Causes = std::vector<Cause>;

Cause forbidden_change(std::string field, std::string why) {
  return {"FieldValueForbidden", "Forbidden: " + std::move(why), std::move(field)};
}

Json without(Json spec, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    spec.erase(field);
  }
  return spec;
}

void stateful_set(const Json& before, const Json& after, Causes& causes) {
  const auto settled = [](const Json& object) {
    return without(object.value("spec", Json::object()),
                   {"replicas",
                    "ordinals",
                    "template",
                    "updateStrategy",
                    "revisionHistoryLimit",
                    "persistentVolumeClaimRetentionPolicy",
                    "minReadySeconds"});
  };
  if (settled(before) != settled(after)) {
    causes.push_back(forbidden_change(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
        "'minReadySeconds' are forbidden"));
  }
}

void selector(const Json& before, const Json& after, Causes& causes) {
  const Json& wanted = dig(after, {"spec", "selector"});
  if (dig(before, {"spec", "selector"}) != wanted) {
    causes.push_back(invalid_value("spec.selector", wanted, "field is immutable"));
  }
}

// A pod's spec without the few parts that may change.
Json settled_pod(const Json& pod) {
  Json spec = without(pod.value("spec", Json::object()),
                      {"activeDeadlineSeconds",
                       "tolerations",
                       "terminationGracePeriodSeconds",
                       "ephemeralContainers",
                       "nodeName"});
  for (const char* list : {"containers", "initContainers"}) {
    if (spec.contains(list)) {
      for (Json& container : spec[list]) {
        container.erase("image");
      }
    }
  }
  return spec;
}

void pod(const Json& before, const Json& after, Causes& causes) {
  const std::string node = dig_text(before, {"spec", "nodeName"});
  const bool moved = !node.empty() && node != dig_text(after, {"spec", "nodeName"});
  if (moved || settled_pod(before) != settled_pod(after)) {
    causes.push_back(forbidden_change(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
        "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
        "set to 1 if it was previously negative)"));
  }
}

void service(const Json& before, const Json& after, Causes& causes) {
  const std::string old_address = dig_text(before, {"spec", "clusterIP"});
  const std::string address = dig_text(after, {"spec", "clusterIP"});
  if (!old_address.empty() && address != old_address &&
      dig_text(after, {"spec", "type"}) != "ExternalName") {
    causes.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + Json::array({address}).dump() + ": may not change once set",
         "spec.clusterIPs[0]"});
  }
}

void claim(const Json& before, const Json& after, Causes& causes) {
  const auto settled = [](const Json& object) {
    Json spec =
        without(object.value("spec", Json::object()), {"resources", "volumeAttributesClassName"});
    return spec;
  };
  Json old_spec = settled(before);
  if (!old_spec.contains("volumeName")) {  // Binding fills it in once.
    old_spec["volumeName"] = dig(after, {"spec", "volumeName"});
  }
  Json new_spec = settled(after);
  new_spec["volumeName"] = dig(after, {"spec", "volumeName"});
  if (old_spec != new_spec) {
    causes.push_back(
        forbidden_change("spec",
                         "spec is immutable after creation except resources.requests and "
                         "volumeAttributesClassName for bound claims"));
  }
  const auto size = [](const Json& object) {
    return parse_quantity(dig(object, {"spec", "resources", "requests", "storage"})).value_or(0);
  };
  if (size(after) < size(before)) {
    causes.push_back(forbidden_change("spec.resources.requests.storage",
                                      "field can not be less than previous value"));
  }
}

void config(const Json& before, const Json& after, Causes& causes) {
  if (dig(before, {"immutable"}) == true &&
      (before.value("data", Json{}) != after.value("data", Json{}) ||
       dig(after, {"immutable"}) != true)) {
    causes.push_back(forbidden_change("data", "field is immutable when `immutable` is set"));
  }
}

void binding(const Json& before, const Json& after, Causes& causes) {
  if (before.value("roleRef", Json{}) != after.value("roleRef", Json{})) {
    causes.push_back(
        invalid_value("roleRef", after.value("roleRef", Json{}), "cannot change roleRef"));
  }
}

struct UpdateCheck {
  std::string_view kind;
  void (*check)(const Json& before, const Json& after, Causes& causes);
};

constexpr std::array k_update_checks{
    UpdateCheck{"StatefulSet", stateful_set},
    UpdateCheck{"Deployment", selector},
    UpdateCheck{"ReplicaSet", selector},
    UpdateCheck{"DaemonSet", selector},
    UpdateCheck{"Pod", pod},
    UpdateCheck{"Service", service},
    UpdateCheck{"ConfigMap", config},
    UpdateCheck{"Secret", config},
    UpdateCheck{"RoleBinding", binding},
    UpdateCheck{"ClusterRoleBinding", binding},
    UpdateCheck{"PersistentVolumeClaim", claim},
};

}  // namespace

std::vector<Cause> validate_update(const ResourceInfo& info,
                                   const Json& before,
                                   const Json& after) {
  Causes causes;
  for (const UpdateCheck& row : k_update_checks) {
    if (row.kind == info.kind) {
      row.check(before, after, causes);
    }
  }
  return causes;
}

}  // namespace kredis::sandbox::api
