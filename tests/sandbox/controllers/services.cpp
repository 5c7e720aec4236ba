// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/services.hpp"

#include <set>

namespace kredis::sandbox {
namespace {

constexpr std::int64_t k_first_node_port = 30'000;
constexpr std::int64_t k_last_node_port = 32'767;

struct Taken {
  std::set<std::string> addresses;
  std::set<std::int64_t> node_ports;
};

Taken taken_by(const Objects& services) {
  Taken taken;
  for (const Object& service : services) {
    taken.addresses.insert(text_at(*service, "spec.clusterIP"));
    for (const Json& ingress : at(*service, "status.loadBalancer.ingress")) {
      taken.addresses.insert(text_at(ingress, "ip"));
    }
    for (const Json& port : at(*service, "spec.ports")) {
      taken.node_ports.insert(number_at(port, "nodePort"));
    }
  }
  return taken;
}

using AddressAt = std::string (AddressPlan::*)(std::size_t) const;

std::string free_address(const Context& context, Taken& taken, AddressAt address_at) {
  for (std::size_t i = 1; i < AddressPlan::k_service_count; ++i) {
    const std::string address = (context.options.addresses.*address_at)(i);
    if (taken.addresses.insert(address).second) {
      return address;
    }
  }
  return {};
}

std::int64_t free_node_port(Taken& taken) {
  for (std::int64_t port = k_first_node_port; port <= k_last_node_port; ++port) {
    if (taken.node_ports.insert(port).second) {
      return port;
    }
  }
  return 0;
}

bool in_own_block(const Context& context, const std::string& address) {
  return address.starts_with("127." + std::to_string(context.options.addresses.block) + ".");
}

void fill_in(const Context& context, Taken& taken, Json& service) {
  Json& spec = service["spec"];
  const std::string type = spec.value("type", "ClusterIP");
  spec["type"] = type;
  const std::string address = text_at(spec, "clusterIP");
  if (type != "ExternalName" && address != "None" && !in_own_block(context, address)) {
    spec["clusterIP"] = free_address(context, taken, &AddressPlan::service);
    spec["clusterIPs"] = Json::array({spec["clusterIP"]});
  }
  if (type == "NodePort" || type == "LoadBalancer") {
    for (Json& port : spec["ports"]) {
      if (number_at(port, "nodePort") == 0) {
        port["nodePort"] = free_node_port(taken);
      }
    }
  }
  const bool balanced = type == "LoadBalancer";
  if (balanced && at(service, "status.loadBalancer.ingress").empty()) {
    service["status"]["loadBalancer"]["ingress"] = Json::array(
        {{{"ip", free_address(context, taken, &AddressPlan::load_balancer)}, {"ipMode", "VIP"}}});
  }
}

}  // namespace

void reconcile_services(Context& context) {
  const Objects services = context.store.list("", "services");
  Taken taken = taken_by(services);
  for (const Object& service : services) {
    if (is_terminating(*service)) {
      continue;
    }
    // Worked out on a copy, so that the store's lock is not held for the search.
    Json wanted = *service;
    fill_in(context, taken, wanted);
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
