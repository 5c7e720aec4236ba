// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/routes.hpp"

#include "tests/sandbox/controllers/endpoints.hpp"

namespace kredis::sandbox {
namespace {

std::vector<std::string> node_addresses(const Objects& nodes) {
  std::vector<std::string> addresses;
  for (const Object& node : nodes) {
    for (const Json& address : at(*node, "status.addresses")) {
      if (text_at(address, "type") == "InternalIP") {
        addresses.push_back(text_at(address, "address"));
      }
    }
  }
  return addresses;
}

// A service port and what it resolved to in a pod have the same name (both none for a lone port).
std::vector<SocketAddress> targets_of(const Json& port, const std::vector<Backend>& backends) {
  std::vector<SocketAddress> targets;
  for (const Backend& backend : backends) {
    for (const Json& resolved : backend.ports) {
      if (backend.ready && text_at(resolved, "name") == text_at(port, "name")) {
        targets.push_back({text_at(*backend.pod, "status.podIP"),
                           static_cast<std::uint16_t>(number_at(resolved, "port"))});
      }
    }
  }
  return targets;
}

void add_service(Routes& routes,
                 const Json& service,
                 const std::vector<Backend>& backends,
                 const std::vector<std::string>& nodes) {
  for (const Json& port : at(service, "spec.ports")) {
    const auto targets = targets_of(port, backends);
    if (targets.empty()) {
      continue;
    }
    const auto number = static_cast<std::uint16_t>(number_at(port, "port"));
    routes[{text_at(service, "spec.clusterIP"), number}] = targets;
    for (const Json& ingress : at(service, "status.loadBalancer.ingress")) {
      routes[{text_at(ingress, "ip"), number}] = targets;
    }
    const auto node_port = static_cast<std::uint16_t>(number_at(port, "nodePort"));
    for (const std::string& node : nodes) {
      if (node_port != 0) {
        routes[{node, node_port}] = targets;
      }
    }
  }
}

}  // namespace

Routes routes_of(const Objects& services,
                 const Objects& pods,
                 const Objects& nodes,
                 const ControllerOptions& options) {
  Routes routes;
  const auto node_list = node_addresses(nodes);
  for (const Object& service : services) {
    const std::string address = text_at(*service, "spec.clusterIP");
    if (!address.empty() && address != "None") {
      add_service(routes, *service, backends_of(*service, pods), node_list);
    }
  }
  routes[{options.addresses.service(0), 443}] = {
      {"127.0.0.1", static_cast<std::uint16_t>(options.api_port)}};
  return routes;
}

}  // namespace kredis::sandbox
