// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/objects.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "shared/manifest/configuration.hpp"
#include "shared/manifest/external.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/object_parts.hpp"
#include "shared/manifest/pod.hpp"
#include "shared/manifest/scripts.hpp"
#include "shared/manifest/storage.hpp"

namespace kredis::manifest {
namespace {

void append(std::vector<Json>& list, std::vector<Json> more) {
  std::ranges::move(more, std::back_inserter(list));
}

Json config_map(const ClusterSpec& spec) {
  Json object = namespaced_object(spec, "v1", "ConfigMap", names_of(spec.name).config_map);
  object["data"]["redis.conf"] = redis_conf(spec);
  for (const Script& script : scripts()) {
    object["data"][std::string(script.name)] = script.text;
  }
  return object;
}

Json service_port(std::string_view name, int port) {
  return {{"name", name}, {"protocol", "TCP"}, {"port", port}, {"targetPort", port}};
}

Json node_ports() {
  return Json::array(
      {service_port("redis-port", k_redis_port), service_port("cluster-bus", k_bus_port)});
}

/// Gives each pod its name, ready or not: nodes find each other through it after a cold restart.
Json headless_service(const ClusterSpec& spec) {
  Json object = namespaced_object(spec, "v1", "Service", names_of(spec.name).headless_service);
  object["spec"] = {{"clusterIP", "None"},
                    {"publishNotReadyAddresses", true},
                    {"selector", selector_labels(spec.name)},
                    {"ports", node_ports()}};
  return object;
}

std::string_view service_type(Access access) {
  switch (access) {
    case Access::cluster_ip:
      return "ClusterIP";
    case Access::node_port:
      return "NodePort";
    case Access::load_balancer:
      return "LoadBalancer";
  }
  return "ClusterIP";
}

Json access_service(const ClusterSpec& spec) {
  Json object = namespaced_object(spec, "v1", "Service", names_of(spec.name).access_service);
  object["spec"] = {{"type", service_type(spec.access)},
                    {"selector", selector_labels(spec.name)},
                    {"ports", Json::array({service_port("redis-port", k_redis_port)})}};
  return object;
}

Json disruption_budget(const ClusterSpec& spec) {
  Json object = namespaced_object(
      spec, "policy/v1", "PodDisruptionBudget", names_of(spec.name).disruption_budget);
  object["spec"] = {{"maxUnavailable", 1},
                    {"selector", {{"matchLabels", selector_labels(spec.name)}}}};
  return object;
}

/// A workload that remembers the shape which was asked for and the Secrets that clients need.
Json workload(const ClusterSpec& spec, std::string_view kind, const std::string& name) {
  Json object = namespaced_object(spec, "apps/v1", kind, name);
  Json& annotations = object["metadata"]["annotations"];
  annotations[std::string(k_masters_annotation)] = std::to_string(spec.masters);
  annotations[std::string(k_replicas_annotation)] = std::to_string(spec.replicas);
  if (spec.storage == Storage::ephemeral) {
    annotations[std::string(k_storage_annotation)] = policy::k_ephemeral;
  }
  if (!spec.auth_secret.empty()) {
    annotations[std::string(k_auth_secret_annotation)] = spec.auth_secret;
  }
  if (!spec.tls_secret.empty()) {
    annotations[std::string(k_tls_secret_annotation)] = spec.tls_secret;
  }
  return object;
}

Json stateful_set(const ClusterSpec& spec) {
  const Names names = names_of(spec.name);
  Json object = workload(spec, "StatefulSet", names.workload);
  object["spec"] = {{"serviceName", names.headless_service},
                    {"replicas", spec.nodes()},
                    {"podManagementPolicy", "Parallel"},
                    {"selector", {{"matchLabels", selector_labels(spec.name)}}},
                    {"template", pod_template(spec, std::nullopt)}};
  if (spec.storage == Storage::claim) {
    object["spec"]["volumeClaimTemplates"] = Json::array({claim_template(spec)});
  }
  return object;
}

Json node_selector_labels(const ClusterSpec& spec, int ordinal) {
  Json labels = selector_labels(spec.name);
  labels[std::string(k_ordinal_label)] = std::to_string(ordinal);
  return labels;
}

/// A node's own Service: the address that it announces and keeps for as long as the Service lives.
Json node_service(const ClusterSpec& spec, int ordinal) {
  Json object = namespaced_object(spec, "v1", "Service", names_of(spec.name).node(ordinal));
  object["metadata"]["labels"][std::string(k_ordinal_label)] = std::to_string(ordinal);
  object["spec"] = {{"publishNotReadyAddresses", true},
                    {"selector", node_selector_labels(spec, ordinal)},
                    {"ports", node_ports()}};
  return object;
}

Json deployment(const ClusterSpec& spec, int ordinal) {
  Json object = workload(spec, "Deployment", names_of(spec.name).node(ordinal));
  object["metadata"]["labels"][std::string(k_ordinal_label)] = std::to_string(ordinal);
  // Recreate: two pods must never share one node's volume and identity.
  object["spec"] = {{"replicas", 1},
                    {"strategy", {{"type", "Recreate"}}},
                    {"selector", {{"matchLabels", node_selector_labels(spec, ordinal)}}},
                    {"template", pod_template(spec, ordinal)}};
  return object;
}

std::vector<Json> deployments(const ClusterSpec& spec) {
  std::vector<Json> list;
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    list.push_back(node_service(spec, ordinal));
  }
  if (spec.storage == Storage::claim) {
    append(list, claims(spec));
  }
  for (int ordinal = 0; ordinal < spec.nodes(); ++ordinal) {
    list.push_back(deployment(spec, ordinal));
  }
  return list;
}

}  // namespace

std::vector<Json> objects(const ClusterSpec& spec) {
  std::vector<Json> list{
      config_map(spec), headless_service(spec), access_service(spec), disruption_budget(spec)};
  append(list, external_services(spec));
  if (spec.on_nfs()) {
    append(list, nfs_volumes(spec));
  }
  if (spec.layout == Layout::statefulset) {
    list.push_back(stateful_set(spec));
  } else {
    append(list, deployments(spec));
  }
  return list;
}

}  // namespace kredis::manifest
