// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/external.hpp"

#include <fmt/format.h>

#include "shared/manifest/names.hpp"
#include "shared/manifest/object_parts.hpp"

namespace kredis::manifest {
namespace {

Json port(std::string_view name, int number) {
  return {{"name", name}, {"protocol", "TCP"}, {"port", number}, {"targetPort", number}};
}

int node_port(const Json& service, const std::string& name) {
  const Json ports = service.value("/spec/ports"_json_pointer, Json::array());
  for (const Json& each : ports) {
    if (each.value("name", "") == name) {
      return each.value("nodePort", 0);
    }
  }
  return 0;
}

/// The load balancer's address, or its name where a cloud gives one.
std::string ingress(const Json& service) {
  const Json list = service.value("/status/loadBalancer/ingress"_json_pointer, Json::array());
  for (const Json& each : list) {
    const std::string address = each.value("ip", each.value("hostname", std::string()));
    if (!address.empty()) {
      return address;
    }
  }
  return {};
}

}  // namespace

std::vector<Json> external_services(const ClusterSpec& spec) {
  std::vector<Json> list;
  if (spec.external == External::none) {
    return list;
  }
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    const std::string pod = names_of(spec.name).node(ordinal);
    Json object = namespaced_object(spec, "v1", "Service", pod);
    Json selector = selector_labels(spec.name);
    selector["statefulset.kubernetes.io/pod-name"] = pod;
    Json ports = Json::array({port("redis-port", k_redis_port)});
    // Clients of a load balancer come to its address; nodes go on talking to each other's own.
    if (spec.external == External::node_port) {
      ports.push_back(port("cluster-bus", k_bus_port));
    }
    object["spec"] = {{"type", spec.external == External::node_port ? "NodePort" : "LoadBalancer"},
                      {"publishNotReadyAddresses", true},
                      {"selector", selector},
                      {"ports", ports}};
    list.push_back(std::move(object));
  }
  return list;
}

std::optional<ExternalAddress> external_address(const Json& service) {
  ExternalAddress found{.pod = service.value("/metadata/name"_json_pointer, std::string())};
  if (service.value("/spec/type"_json_pointer, std::string()) == "LoadBalancer") {
    found.address = ingress(service);
    found.port = k_redis_port;
    found.bus_port = k_bus_port;
    return found.address.empty() ? std::nullopt : std::optional{found};
  }
  found.address = "node";
  found.port = node_port(service, "redis-port");
  found.bus_port = node_port(service, "cluster-bus");
  return found.port == 0 || found.bus_port == 0 ? std::nullopt : std::optional{found};
}

Json external_map(const ClusterSpec& spec, const std::vector<ExternalAddress>& addresses) {
  Json object = namespaced_object(spec, "v1", "ConfigMap", spec.name + "-external");
  std::string text;
  for (const ExternalAddress& each : addresses) {
    text += fmt::format("{} {} {} {}\n", each.pod, each.address, each.port, each.bus_port);
  }
  object["data"]["addresses"] = text;
  return object;
}

}  // namespace kredis::manifest
