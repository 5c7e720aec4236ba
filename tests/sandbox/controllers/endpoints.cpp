// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/endpoints.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "tests/sandbox/controllers/bootstrap.hpp"
#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_service_label = "kubernetes.io/service-name";

std::int64_t named_port(const Json& pod, const std::string& name) {
  for (const Json& container : at(pod, "spec.containers")) {
    for (const Json& port : at(container, "ports")) {
      if (text_at(port, "name") == name) {
        return number_at(port, "containerPort");
      }
    }
  }
  return 0;
}

// A named target port that the pod does not have leaves that port out, as Kubernetes does.
Json ports_in(const Json& service, const Json& pod) {
  Json ports = Json::array();
  for (const Json& port : at(service, "spec.ports")) {
    const Json& target = at(port, "targetPort");
    const std::int64_t number = target.is_string()
                                    ? named_port(pod, target.get<std::string>())
                                    : number_at(port, "targetPort", number_at(port, "port"));
    if (number == 0) {
      continue;
    }
    const std::string protocol = text_at(port, "protocol");
    Json resolved{{"port", number}, {"protocol", protocol.empty() ? "TCP" : protocol}};
    if (!text_at(port, "name").empty()) {
      resolved["name"] = text_at(port, "name");
    }
    ports.push_back(std::move(resolved));
  }
  return ports;
}

Json pod_reference(const Json& pod) {
  return {{"kind", "Pod"},
          {"name", name_of(pod)},
          {"namespace", namespace_of(pod)},
          {"uid", uid_of(pod)}};
}

Json endpoint_address(const Backend& backend) {
  Json address{{"ip", text_at(*backend.pod, "status.podIP")},
               {"nodeName", text_at(*backend.pod, "spec.nodeName")},
               {"targetRef", pod_reference(*backend.pod)}};
  if (!backend.hostname.empty()) {
    address["hostname"] = backend.hostname;
  }
  return address;
}

std::string zone_of(const Objects& nodes, const std::string& name) {
  const auto found = std::find_if(
      nodes.begin(), nodes.end(), [&](const Object& node) { return name_of(*node) == name; });
  return found == nodes.end() ? std::string{} : label_of(**found, k_zone_label);
}

Json service_labels(const Json& service) {
  const Json& labels = at(service, "metadata.labels");
  return labels.is_object() ? labels : Json::object();
}

constexpr std::array k_content{"subsets", "endpoints", "ports", "addressType"};

bool says_the_same(const Json& live, const Json& wanted) {
  return at(live, "metadata.labels") == at(wanted, "metadata.labels") &&
         std::all_of(k_content.begin(), k_content.end(), [&](const char* field) {
           return at(live, field) == at(wanted, field);
         });
}

// Stores what is wanted, whoever changed it meanwhile.
void put(Context& context, const std::string& group, const char* resource, const Json& wanted) {
  const Key key = key_of(group, resource, wanted);
  ensure(context.store, key, wanted);
  const Object live = context.store.get(key);
  if (live == nullptr || says_the_same(*live, wanted)) {
    return;
  }
  update_status(context.store, key, [&](Json& changed) {
    for (const char* field : k_content) {
      if (wanted.contains(field)) {
        changed[field] = wanted[field];
      }
    }
    changed["metadata"]["labels"] = wanted["metadata"]["labels"];
  });
}

// Endpoints have the service's own name and no owner reference.
void drop_endpoints_without_service(Context& context) {
  for (const Object& endpoints : context.store.list("", "endpoints")) {
    const Key service{"", "services", namespace_of(*endpoints), name_of(*endpoints)};
    const bool ours = !annotation_of(*endpoints, "endpoints.kubernetes.io/managed-by").empty();
    if (ours && context.store.get(service) == nullptr) {
      static_cast<void>(context.store.remove(key_of("", "endpoints", *endpoints)));
    }
  }
}

}  // namespace

std::vector<Backend> backends_of(const Json& service, const Objects& pods) {
  std::vector<Backend> backends;
  const Json& selector = at(service, "spec.selector");
  if (!selector.is_object() || selector.empty()) {
    return backends;
  }
  const bool publish_all = true_at(service, "spec.publishNotReadyAddresses");
  for (const Object& pod : pods) {
    const bool behind = namespace_of(*pod) == namespace_of(service) &&
                        !text_at(*pod, "status.podIP").empty() && !pod_is_finished(*pod) &&
                        matches_map(selector, at(*pod, "metadata.labels"));
    if (!behind) {
      continue;
    }
    const bool named = text_at(*pod, "spec.subdomain") == name_of(service);
    backends.push_back({.pod = pod,
                        .ready = publish_all || (pod_is_ready(*pod) && !is_terminating(*pod)),
                        .ports = ports_in(service, *pod),
                        .hostname = named ? text_at(*pod, "spec.hostname") : std::string{}});
  }
  return backends;
}

Json make_endpoints(const Json& service, const std::vector<Backend>& backends) {
  std::map<Json, std::pair<Json, Json>> by_ports;  // ports -> ready, not ready
  for (const Backend& backend : backends) {
    if (backend.ready || !is_terminating(*backend.pod)) {
      auto& [ready, waiting] = by_ports[backend.ports];
      (backend.ready ? ready : waiting).push_back(endpoint_address(backend));
    }
  }
  Json subsets = Json::array();
  for (auto& [ports, addresses] : by_ports) {
    Json subset{{"ports", ports}};
    if (!addresses.first.is_null()) {
      subset["addresses"] = std::move(addresses.first);
    }
    if (!addresses.second.is_null()) {
      subset["notReadyAddresses"] = std::move(addresses.second);
    }
    subsets.push_back(std::move(subset));
  }
  return {{"apiVersion", "v1"},
          {"kind", "Endpoints"},
          {"metadata",
           {{"name", name_of(service)},
            {"namespace", namespace_of(service)},
            {"labels", service_labels(service)},
            {"annotations", {{"endpoints.kubernetes.io/managed-by", "endpoint-controller"}}}}},
          {"subsets", std::move(subsets)}};
}

Json make_endpoint_slice(const Json& service,
                         const std::vector<Backend>& backends,
                         const Objects& nodes) {
  Json endpoints = Json::array();
  Json ports = Json::array();
  for (const Backend& backend : backends) {
    const std::string node = text_at(*backend.pod, "spec.nodeName");
    Json endpoint{{"addresses", {text_at(*backend.pod, "status.podIP")}},
                  {"conditions",
                   {{"ready", backend.ready},
                    {"serving", backend.ready || pod_is_ready(*backend.pod)},
                    {"terminating", is_terminating(*backend.pod)}}},
                  {"nodeName", node},
                  {"zone", zone_of(nodes, node)},
                  {"targetRef", pod_reference(*backend.pod)}};
    if (!backend.hostname.empty()) {
      endpoint["hostname"] = backend.hostname;
    }
    endpoints.push_back(std::move(endpoint));
    ports = backend.ports;
  }
  Json labels = service_labels(service);
  labels[k_service_label] = name_of(service);
  labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io";
  Json owner = controller_reference(service);
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", name_of(service) + "-" + short_hash(uid_of(service)).substr(0, 5)},
            {"namespace", namespace_of(service)},
            {"labels", std::move(labels)},
            {"ownerReferences", Json::array({std::move(owner)})}}},
          {"addressType", "IPv4"},
          {"endpoints", std::move(endpoints)},
          {"ports", std::move(ports)}};
}

void reconcile_endpoints(Context& context) {
  const Objects pods = context.store.list("", "pods");
  const Objects nodes = context.store.list("", "nodes");
  for (const Object& service : context.store.list("", "services")) {
    const Json& selector = at(*service, "spec.selector");
    if (is_terminating(*service) || !selector.is_object() || selector.empty()) {
      continue;
    }
    const auto backends = backends_of(*service, pods);
    put(context, "", "endpoints", make_endpoints(*service, backends));
    put(context,
        "discovery.k8s.io",
        "endpointslices",
        make_endpoint_slice(*service, backends, nodes));
  }
  drop_endpoints_without_service(context);
}

}  // namespace kredis::sandbox
