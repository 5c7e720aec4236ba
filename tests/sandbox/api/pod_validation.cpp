// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/pod_validation.hpp"

#include <set>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/names.hpp"
#include "tests/sandbox/api/quantity.hpp"

namespace kredis::sandbox::api {
namespace {

using Causes = std::vector<Cause>;
using Names = std::set<std::string>;

// Appends "Required value" or a broken rule; returns whether the name is new.
void check_name(const Json& entry, const std::string& path, Names& seen, Causes& causes) {
  const std::string name = dig_text(entry, {"name"});
  if (name.empty()) {
    causes.push_back(required(path + ".name"));
  } else if (!is_dns_label(name)) {
    causes.push_back(invalid_value(path + ".name", name, name_problem("Namespace", name)));
  } else if (!seen.insert(name).second) {
    causes.push_back({"FieldValueDuplicate", "Duplicate value: \"" + name + "\"", path + ".name"});
  }
}

void check_ports(const Json& container, const std::string& path, Causes& causes) {
  const Json& ports = dig_list(container, {"ports"});
  for (std::size_t at = 0; at < ports.size(); ++at) {
    const std::int64_t port = dig_number(ports[at], {"containerPort"}, 0);
    if (port < 1 || port > 65'535) {
      causes.push_back(invalid_value(path + ".ports[" + std::to_string(at) + "].containerPort",
                                     port,
                                     "must be between 1 and 65535, inclusive"));
    }
  }
}

// A request above its limit can never be met.
void check_resources(const Json& container, const std::string& path, Causes& causes) {
  const Json& requests = dig(container, {"resources", "requests"});
  const Json& limits = dig(container, {"resources", "limits"});
  if (!requests.is_object() || !limits.is_object()) {
    return;
  }
  for (const auto& [name, request] : requests.items()) {
    const auto wanted = parse_quantity(request);
    const auto limit = limits.contains(name) ? parse_quantity(limits[name]) : std::nullopt;
    if (wanted && limit && *wanted > *limit) {
      causes.push_back(invalid_value(path + ".resources.requests",
                                     request,
                                     "must be less than or equal to " + name + " limit of " +
                                         limits[name].get<std::string>()));
    }
  }
}

void check_mounts(const Json& container,
                  const std::string& path,
                  const Names& volumes,
                  Causes& causes) {
  const Json& mounts = dig_list(container, {"volumeMounts"});
  Names places;
  for (std::size_t at = 0; at < mounts.size(); ++at) {
    const std::string mount = path + ".volumeMounts[" + std::to_string(at) + "]";
    const std::string name = dig_text(mounts[at], {"name"});
    if (!volumes.contains(name)) {
      causes.push_back({"FieldValueNotFound", "Not found: \"" + name + "\"", mount + ".name"});
    }
    const std::string place = dig_text(mounts[at], {"mountPath"});
    if (place.empty()) {
      causes.push_back(required(mount + ".mountPath"));
    } else if (!places.insert(place).second) {
      causes.push_back(invalid_value(mount + ".mountPath", place, "must be unique"));
    }
  }
}

void check_container(const Json& container,
                     const std::string& path,
                     const Names& volumes,
                     Causes& causes) {
  if (dig_text(container, {"image"}).empty()) {
    causes.push_back(required(path + ".image"));
  }
  const std::string policy = dig_text(container, {"imagePullPolicy"});
  if (policy != "Always" && policy != "IfNotPresent" && policy != "Never") {
    causes.push_back(
        not_supported(path + ".imagePullPolicy", policy, {"Always", "IfNotPresent", "Never"}));
  }
  check_ports(container, path, causes);
  check_resources(container, path, causes);
  check_mounts(container, path, volumes, causes);
}

void check_affinity(const Json& spec, const std::string& path, Causes& causes) {
  const Json& terms = dig_list(
      spec, {"affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution"});
  for (std::size_t at = 0; at < terms.size(); ++at) {
    const std::string place = path +
                              ".affinity.podAntiAffinity."
                              "preferredDuringSchedulingIgnoredDuringExecution[" +
                              std::to_string(at) + "]";
    const std::int64_t weight = dig_number(terms[at], {"weight"});
    if (weight < 1 || weight > 100) {
      causes.push_back(invalid_value(place + ".weight", weight, "must be in the range 1-100"));
    }
    if (dig_text(terms[at], {"podAffinityTerm", "topologyKey"}).empty()) {
      causes.push_back(required(place + ".podAffinityTerm.topologyKey", "can not be empty"));
    }
  }
}

}  // namespace

void validate_pod_spec(const Json& spec, const std::string& path, Causes& causes) {
  Names volumes;
  const Json& volume_list = dig_list(spec, {"volumes"});
  for (std::size_t at = 0; at < volume_list.size(); ++at) {
    check_name(volume_list[at], path + ".volumes[" + std::to_string(at) + "]", volumes, causes);
  }
  const Json& containers = dig_list(spec, {"containers"});
  if (containers.empty()) {
    causes.push_back(required(path + ".containers"));
  }
  Names names;
  for (const char* field : {"containers", "initContainers"}) {
    const Json& list = dig_list(spec, {field});
    for (std::size_t at = 0; at < list.size(); ++at) {
      const std::string place = path + "." + field + "[" + std::to_string(at) + "]";
      check_name(list[at], place, names, causes);
      check_container(list[at], place, volumes, causes);
    }
  }
  const std::string restart = dig_text(spec, {"restartPolicy"});
  if (restart != "Always" && restart != "OnFailure" && restart != "Never") {
    causes.push_back(
        not_supported(path + ".restartPolicy", restart, {"Always", "OnFailure", "Never"}));
  }
  check_affinity(spec, path, causes);
}

}  // namespace kredis::sandbox::api
