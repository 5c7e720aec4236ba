// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/validation.hpp"

#include <algorithm>
#include <array>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/names.hpp"
#include "tests/sandbox/api/pod_validation.hpp"
#include "tests/sandbox/api/quantity.hpp"
#include "tests/sandbox/api/selectors.hpp"

namespace kredis::sandbox::api {
namespace {

using Causes = std::vector<Cause>;

void validate_metadata(const ResourceInfo& info, const Json& metadata, Causes& causes) {
  const std::string name = dig_text(metadata, {"name"});
  if (const std::string problem = name_problem(info.kind, name); !problem.empty()) {
    causes.push_back(invalid_value("metadata.name", name, problem));
  }
  const Json labels = metadata.value("labels", Json::object());
  for (const auto& [key, value] : labels.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if (const std::string problem = label_problem(key, text); !problem.empty()) {
      causes.push_back(
          invalid_value("metadata.labels", is_qualified_name(key) ? text : key, problem));
    }
  }
  const Json annotations = metadata.value("annotations", Json::object());
  for (const auto& [key, value] : annotations.items()) {
    if (!is_qualified_name(key)) {
      causes.push_back(
          invalid_value("metadata.annotations", key, std::string(k_qualified_name_rule)));
    }
  }
}

// A selector must be there and must choose the template's own pods.
void validate_selector(const Json& spec, Causes& causes) {
  const Json& selector = dig(spec, {"selector"});
  if (selector.is_null()) {
    causes.push_back(required("spec.selector"));
    return;
  }
  if (selector.empty()) {
    causes.push_back(
        invalid_value("spec.selector", "{}", "empty selector is invalid for deployment"));
    return;
  }
  const Json& labels = labels_of(dig(spec, {"template"}));
  if (!LabelSelector::from_object(selector).matches(labels)) {
    causes.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + labels.dump() + ": `selector` does not match template `labels`",
         "spec.template.metadata.labels"});
  }
}

// The template's pods get a volume for each claim template, so mounts may name those too.
Json pod_spec_with_claims(const Json& spec) {
  Json pod_spec = dig(spec, {"template", "spec"});
  for (const Json& claim : dig_list(spec, {"volumeClaimTemplates"})) {
    const std::string name = dig_text(claim, {"metadata", "name"});
    Json others = Json::array({{{"name", name}, {"persistentVolumeClaim", Json::object()}}});
    for (const Json& volume : dig_list(pod_spec, {"volumes"})) {
      if (dig_text(volume, {"name"}) != name) {
        others.push_back(volume);
      }
    }
    pod_spec["volumes"] = others;
  }
  return pod_spec;
}

void validate_workload(const Json& object, Causes& causes) {
  const Json& spec = dig(object, {"spec"});
  validate_selector(spec, causes);
  if (const std::int64_t replicas = dig_number(spec, {"replicas"}, 1); replicas < 0) {
    causes.push_back(
        invalid_value("spec.replicas", replicas, "must be greater than or equal to 0"));
  }
  validate_pod_spec(pod_spec_with_claims(spec), "spec.template.spec", causes);
  const std::string restart = dig_text(spec, {"template", "spec", "restartPolicy"});
  if (restart != "Always") {
    causes.push_back(not_supported("spec.template.spec.restartPolicy", restart, {"Always"}));
  }
}

void validate_stateful_set(const Json& object, Causes& causes) {
  validate_workload(object, causes);
  const std::string policy = dig_text(object, {"spec", "podManagementPolicy"});
  if (policy != "OrderedReady" && policy != "Parallel") {
    causes.push_back(
        invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
}

void validate_pod(const Json& object, Causes& causes) {
  validate_pod_spec(dig(object, {"spec"}), "spec", causes);
}

void validate_service_port(const Json& port, const std::string& path, bool many, Causes& causes) {
  if (many && dig_text(port, {"name"}).empty()) {
    causes.push_back(required(path + ".name"));
  }
  const std::int64_t number = dig_number(port, {"port"}, 0);
  if (number < 1 || number > 65'535) {
    causes.push_back(
        invalid_value(path + ".port", number, "must be between 1 and 65535, inclusive"));
  }
  const std::string protocol = dig_text(port, {"protocol"});
  if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") {
    causes.push_back(not_supported(path + ".protocol", protocol, {"SCTP", "TCP", "UDP"}));
  }
}

void validate_service(const Json& object, Causes& causes) {
  const Json& spec = dig(object, {"spec"});
  const std::string type = dig_text(spec, {"type"});
  const std::array<std::string, 4> types = {
      "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    causes.push_back(not_supported("spec.type", type, {types.begin(), types.end()}));
  }
  const Json& ports = dig_list(spec, {"ports"});
  if (ports.empty() && type != "ExternalName" && dig_text(spec, {"clusterIP"}) != "None") {
    causes.push_back(required("spec.ports"));
  }
  for (std::size_t at = 0; at < ports.size(); ++at) {
    const std::string path = "spec.ports[" + std::to_string(at) + "]";
    validate_service_port(ports[at], path, ports.size() > 1, causes);
    for (std::size_t other = 0; other < at; ++other) {
      if (!dig_text(ports[at], {"name"}).empty() &&
          ports[at].value("name", "") == ports[other].value("name", "")) {
        causes.push_back({"FieldValueDuplicate",
                          "Duplicate value: " + ports[at]["name"].dump(),
                          path + ".name"});
      }
    }
  }
}

void validate_claim(const Json& object, Causes& causes) {
  const Json& spec = dig(object, {"spec"});
  if (dig_list(spec, {"accessModes"}).empty()) {
    causes.push_back(required("spec.accessModes", "at least 1 access mode is required"));
  }
  const Json& size = dig(spec, {"resources", "requests", "storage"});
  if (size.is_null()) {
    causes.push_back(required("spec.resources[storage]"));
  } else if (parse_quantity(size).value_or(1) <= 0) {
    causes.push_back(invalid_value("spec.resources[storage]", size, "must be greater than zero"));
  }
}

void validate_volume(const Json& object, Causes& causes) {
  const Json& spec = dig(object, {"spec"});
  if (dig_list(spec, {"accessModes"}).empty()) {
    causes.push_back(required("spec.accessModes"));
  }
  if (dig(spec, {"capacity"}).empty()) {
    causes.push_back(required("spec.capacity"));
  }
  const std::array sources = {"nfs", "hostPath", "local", "csi", "iscsi", "fc", "rbd", "cephfs"};
  if (std::none_of(sources.begin(), sources.end(), [&](const char* source) {
        return spec.contains(source);
      })) {
    causes.push_back(required("spec", "must specify a volume type"));
  }
}

void validate_config_map(const Json& object, Causes& causes) {
  for (const char* field : {"data", "binaryData"}) {
    const Json entries = object.value(field, Json::object());
    for (const auto& [key, value] : entries.items()) {
      if (!is_config_key(key)) {
        causes.push_back(invalid_value(
            std::string(field) + "[" + key + "]", key, std::string(k_config_key_rule)));
      }
    }
  }
}

void validate_budget(const Json& object, Causes& causes) {
  const Json& spec = dig(object, {"spec"});
  if (!dig(spec, {"minAvailable"}).is_null() && !dig(spec, {"maxUnavailable"}).is_null()) {
    causes.push_back(
        invalid_value("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
}

struct KindCheck {
  std::string_view kind;
  void (*check)(const Json& object, Causes& causes);
};

constexpr std::array k_checks{
    KindCheck{"StatefulSet", validate_stateful_set},
    KindCheck{"Deployment", validate_workload},
    KindCheck{"ReplicaSet", validate_workload},
    KindCheck{"DaemonSet",
              [](const Json& object, Causes& causes) {
                validate_selector(dig(object, {"spec"}), causes);
              }},
    KindCheck{"Pod", validate_pod},
    KindCheck{"Service", validate_service},
    KindCheck{"PersistentVolumeClaim", validate_claim},
    KindCheck{"PersistentVolume", validate_volume},
    KindCheck{"ConfigMap", validate_config_map},
    KindCheck{"Secret", validate_config_map},
    KindCheck{"PodDisruptionBudget", validate_budget},
};

// Every quantity in the object, wherever the schema has one.
void validate_quantities(const Shape& shape,
                         const Json& value,
                         const std::string& path,
                         Causes& causes) {
  if (shape.kind == Shape::Kind::quantity && !parse_quantity(value)) {
    causes.push_back(invalid_value(path,
                                   value,
                                   "quantities must match the regular expression "
                                   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"));
  } else if (shape.kind == Shape::Kind::object) {
    for (const auto& [name, member] : value.items()) {
      if (const Field* field = shape.object->find(name)) {
        validate_quantities(field->shape, member, path.empty() ? name : path + "." + name, causes);
      }
    }
  } else if (shape.kind == Shape::Kind::list && value.is_array()) {
    for (std::size_t at = 0; at < value.size(); ++at) {
      validate_quantities(*shape.element, value[at], path + "[" + std::to_string(at) + "]", causes);
    }
  } else if (shape.kind == Shape::Kind::map && value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      validate_quantities(*shape.element, member, path + "[" + name + "]", causes);
    }
  }
}

}  // namespace

std::vector<Cause> validate(const ResourceInfo& info, const Json& object) {
  Causes causes;
  validate_metadata(info, object.value("metadata", Json::object()), causes);
  if (const ObjectType* type = find_type(info.schema)) {
    validate_quantities({Shape::Kind::object, nullptr, type}, object, "", causes);
  }
  if (!causes.empty()) {
    return causes;
  }
  for (const KindCheck& row : k_checks) {
    if (row.kind == info.kind) {
      row.check(object, causes);
    }
  }
  return causes;
}

}  // namespace kredis::sandbox::api
