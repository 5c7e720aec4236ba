// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/services.hpp"

#include <set>

namespace kredis::sandbox {
namespace {

constexpr std::int64_t k_first_node_port = 30'000;
constexpr std::int64_t k_node_port_count = 2'768;

bool is_exposed(const std::string& type) { return type == "NodePort" || type == "LoadBalancer"; }

// Load balancers are numbered like the services' own addresses, in a range of their own.
Json ingress_of(const AddressPlan& plan, const Json& service) {
  const std::string own = text_at(service, "spec.clusterIP");
  for (std::size_t i = 0; i < AddressPlan::k_service_count; ++i) {
    if (plan.service(i) == own) {
      return Json::array({{{"ip", plan.load_balancer(i)}, {"ipMode", "VIP"}}});
    }
  }
  return Json::array();
}

}  // namespace

struct ServiceAddresses::Taken {
  std::set<std::string> addresses;
  std::set<std::int64_t> node_ports;
};

ServiceAddresses::Taken ServiceAddresses::taken() const {
  Taken taken;
  taken.addresses.insert(plan_.service(0));  // The API server's.
  for (const Object& service : store_.list("", "services")) {
    taken.addresses.insert(text_at(*service, "spec.clusterIP"));
    for (const Json& port : at(*service, "spec.ports")) {
      taken.node_ports.insert(number_at(port, "nodePort"));
    }
  }
  return taken;
}

std::string ServiceAddresses::free_address(Taken& taken) {
  for (std::size_t tries = 0; tries < AddressPlan::k_service_count; ++tries) {
    next_address_ = (next_address_ + 1) % AddressPlan::k_service_count;
    if (const std::string address = plan_.service(next_address_);
        taken.addresses.insert(address).second) {
      return address;
    }
  }
  return {};
}

std::int64_t ServiceAddresses::free_node_port(Taken& taken) {
  for (std::int64_t tries = 0; tries < k_node_port_count; ++tries) {
    const std::int64_t port = k_first_node_port + next_node_port_;
    next_node_port_ = (next_node_port_ + 1) % k_node_port_count;
    if (taken.node_ports.insert(port).second) {
      return port;
    }
  }
  return 0;
}

void ServiceAddresses::allocate(Json& service) {
  const std::lock_guard lock(mutex_);
  Taken now_taken = taken();
  Json& spec = service["spec"];
  const std::string type = text_at(spec, "type").empty() ? "ClusterIP" : text_at(spec, "type");
  spec["type"] = type;
  if (type != "ExternalName" && text_at(spec, "clusterIP").empty()) {
    spec["clusterIP"] = free_address(now_taken);
  }
  if (type != "ExternalName" && at(spec, "clusterIPs").empty()) {
    spec["clusterIPs"] = Json::array({spec["clusterIP"]});
  }
  if (!is_exposed(type) || !at(spec, "ports").is_array()) {
    return;
  }
  for (Json& port : spec["ports"]) {
    if (number_at(port, "nodePort") == 0) {
      port["nodePort"] = free_node_port(now_taken);
    }
  }
}

void reconcile_services(Context& context, ServiceAddresses& addresses) {
  for (const Object& service : context.store.list("", "services")) {
    if (is_terminating(*service)) {
      continue;
    }
    // Worked out on a copy, so that the store's lock is not held for the search.
    Json wanted = *service;
    addresses.allocate(wanted);
    const bool balanced = text_at(wanted, "spec.type") == "LoadBalancer";
    if (balanced && at(wanted, "status.loadBalancer.ingress").empty()) {
      wanted["status"]["loadBalancer"]["ingress"] =
          ingress_of(context.options.addresses, wanted);
    }
    if (wanted != *service) {
      update_status(context.store, key_of("", "services", *service), [&](Json& changed) {
        if (changed["metadata"]["resourceVersion"] == wanted["metadata"]["resourceVersion"]) {
          changed = wanted;
        }
      });
    }
  }
}

}  // namespace kredis::sandbox
