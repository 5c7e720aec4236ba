// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/pod_defaults.hpp"

#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr int k_file_mode = 0644;

// An image without a tag is `latest`, and that one is always pulled.
std::string pull_policy(const std::string& image) {
  if (image.find('@') != std::string::npos) {
    return "IfNotPresent";
  }
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  return tagged && image.substr(colon + 1) != "latest" ? "IfNotPresent" : "Always";
}

void default_probe(Json& container, const char* name) {
  if (!container.contains(name)) {
    return;
  }
  Json& probe = container[name];
  set_default(probe, "timeoutSeconds", 1);
  set_default(probe, "periodSeconds", 10);
  set_default(probe, "successThreshold", 1);
  set_default(probe, "failureThreshold", 3);
  if (probe.contains("httpGet")) {
    set_default(probe["httpGet"], "path", "/");
    set_default(probe["httpGet"], "scheme", "HTTP");
  }
}

void default_resources(Json& container) {
  set_default(container, "resources", Json::object());
  Json& resources = container["resources"];
  if (!resources.contains("limits")) {
    return;
  }
  const Json limits = resources["limits"];
  for (const auto& [name, quantity] : limits.items()) {
    set_default(resources["requests"], name.c_str(), quantity);
  }
}

void default_environment(Json& container) {
  if (!container.contains("env")) {
    return;
  }
  for (Json& variable : container["env"]) {
    if (variable.contains("valueFrom") && variable["valueFrom"].contains("fieldRef")) {
      set_default(variable["valueFrom"]["fieldRef"], "apiVersion", "v1");
    }
  }
}

void default_container(Json& container) {
  set_default(container, "imagePullPolicy", pull_policy(dig_text(container, {"image"})));
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  default_resources(container);
  default_environment(container);
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    default_probe(container, name);
  }
  if (!container.contains("ports")) {
    return;
  }
  for (Json& port : container["ports"]) {
    set_default(port, "protocol", "TCP");
  }
}

void default_pod_volume(Json& volume) {
  for (const char* source : {"configMap", "secret", "projected", "downwardAPI"}) {
    if (volume.contains(source)) {
      set_default(volume[source], "defaultMode", k_file_mode);
    }
  }
  if (volume.contains("hostPath")) {
    set_default(volume["hostPath"], "type", "");
  }
  if (volume.size() == 1 && volume.contains("name")) {
    volume["emptyDir"] = Json::object();
  }
}

}  // namespace

void default_pod_spec(Json& spec) {
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "securityContext", Json::object());
  for (const char* list : {"containers", "initContainers"}) {
    if (spec.contains(list)) {
      for (Json& container : spec[list]) {
        default_container(container);
      }
    }
  }
  if (spec.contains("volumes")) {
    for (Json& volume : spec["volumes"]) {
      default_pod_volume(volume);
    }
  }
  if (spec.contains("serviceAccountName")) {
    spec["serviceAccount"] = spec["serviceAccountName"];
  }
}

void default_pod_template(Json& workload_spec) {
  if (workload_spec.contains("template")) {
    set_default(workload_spec["template"], "spec", Json::object());
    default_pod_spec(workload_spec["template"]["spec"]);
  }
}

std::string qos_class(const Json& spec) {
  bool any = false;
  bool guaranteed = true;
  for (const Json& container : dig_list(spec, {"containers"})) {
    const Json& requests = dig(container, {"resources", "requests"});
    const Json& limits = dig(container, {"resources", "limits"});
    any = any || !requests.empty() || !limits.empty();
    guaranteed = guaranteed && limits.is_object() && limits.contains("cpu") &&
                 limits.contains("memory") && requests == limits;
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace kredis::sandbox::api
