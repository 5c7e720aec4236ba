// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/client_services.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace kredis::wire {
namespace {

using core::ClientService;
using core::Member;

Json items_at(const Json& object, const char* pointer) {
  const Json::json_pointer path(pointer);
  return object.contains(path) && object.at(path).is_array() ? object.at(path) : Json::array();
}

int port_at(const Json& port, const char* key) {
  const auto found = port.is_object() ? port.find(key) : port.end();
  const bool fits = found != port.end() && found->is_number_integer() &&
                    std::in_range<int>(found->get<std::int64_t>());
  return fits ? found->get<int>() : 0;
}

/// An empty selector selects nothing: somebody keeps such a Service's endpoints by hand.
bool selects(const Json& service, const Member& member) {
  const Json::json_pointer path("/spec/selector");
  if (!service.contains(path) || !service.at(path).is_object() || service.at(path).empty()) {
    return false;
  }
  const Json selector = service.at(path);
  return std::all_of(
             selector.begin(), selector.end(), [](const Json& each) { return each.is_string(); }) &&
         std::ranges::all_of(selector.items(), [&](const auto& entry) {
           const auto label = member.pod.labels.find(entry.key());
           return label != member.pod.labels.end() &&
                  label->second == entry.value().template get<std::string>();
         });
}

/// The port that leads to Redis, by its number or its name; null where there is none.
Json redis_port(const Json& service, int port) {
  Json by_name;
  for (const Json& each : items_at(service, "/spec/ports")) {
    const int number = port_at(each, "port");
    const int target = port_at(each, "targetPort");
    if ((target == 0 ? number : target) == port) {
      return each;
    }
    const std::string name = text_at(each, "/targetPort");
    if (!name.empty() && number != port + core::k_bus_offset && by_name.is_null()) {
      by_name = each;
    }
  }
  return by_name;
}

ClientService read(const Json& service, const Json& port, const core::ClusterView& view) {
  ClientService made{.name = text_at(service, "/metadata/name")};
  const std::string number = std::to_string(port_at(port, "port"));
  made.address = made.name + "." + view.namespace_ + ".svc:" + number;
  made.type = text_at(service, "/spec/clusterIP") == "None"
                  ? "Headless"
                  : text_at(service, "/spec/type", "ClusterIP");
  made.node_port = port_at(port, "nodePort");
  for (const Json& each : items_at(service, "/status/loadBalancer/ingress")) {
    const std::string address = text_at(each, "/ip", text_at(each, "/hostname"));
    if (!address.empty()) {
      made.external.push_back(address + ":" + number);
    }
  }
  return made;
}

}  // namespace

std::vector<ClientService> client_services(const Json& services, const core::ClusterView& view) {
  std::vector<ClientService> found;
  for (const Json& service : services) {
    std::vector<const Member*> selected;
    for (const Member& member : view.members) {
      if (selects(service, member)) {
        selected.push_back(&member);
      }
    }
    const Json port = selected.empty() ? Json() : redis_port(service, selected.front()->pod.port);
    if (port.is_null()) {
      continue;
    }
    found.push_back(read(service, port, view));
    found.back().pod = selected.size() == 1 ? selected.front()->pod.name : "";
  }
  std::ranges::stable_sort(found, {}, [](const ClientService& each) {
    return std::tuple(!each.pod.empty(), each.type == "Headless", each.name);
  });
  return found;
}

}  // namespace kredis::wire
