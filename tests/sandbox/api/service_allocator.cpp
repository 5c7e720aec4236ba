// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/service_allocator.hpp"

#include <set>

#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr int k_first_node_port = 30'000;
constexpr int k_last_node_port = 32'767;

}  // namespace

int ServiceAllocator::free_node_port() {
  std::set<std::int64_t> taken;
  for (const Object& service : store_.list("", "services")) {
    for (const Json& port : dig_list(*service, {"spec", "ports"})) {
      taken.insert(dig_number(port, {"nodePort"}));
    }
  }
  for (int tried = k_first_node_port; tried <= k_last_node_port; ++tried) {
    last_node_port_ = last_node_port_ < k_first_node_port || last_node_port_ >= k_last_node_port
                          ? k_first_node_port
                          : last_node_port_ + 1;
    if (!taken.contains(last_node_port_)) {
      break;
    }
  }
  return last_node_port_;
}

void ServiceAllocator::fill_in(Json& service) {
  const std::lock_guard lock(mutex_);
  Json& spec = service["spec"];
  const std::string type = dig_text(spec, {"type"});
  if (type == "ExternalName") {
    return;
  }
  if (dig_text(spec, {"clusterIP"}).empty() && next_address_) {
    spec["clusterIP"] = next_address_();
  }
  const std::string address = dig_text(spec, {"clusterIP"});
  if (!address.empty()) {
    spec["clusterIPs"] = Json::array({address});
  } else {
    spec.erase("clusterIP");
    spec.erase("clusterIPs");
  }
  if ((type != "NodePort" && type != "LoadBalancer") || !spec.contains("ports")) {
    return;
  }
  for (Json& port : spec["ports"]) {
    if (dig_number(port, {"nodePort"}) == 0) {
      port["nodePort"] = free_node_port();
    }
  }
}

}  // namespace kredis::sandbox::api
