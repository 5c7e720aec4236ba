// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/pod.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "shared/manifest/configuration.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/object_parts.hpp"
#include "shared/manifest/storage.hpp"

namespace kredis::manifest {
namespace {

using policy::k_loading_seconds;
using policy::k_redis_user;

constexpr std::string_view k_external_volume = "redis-external";
constexpr std::string_view k_external_path = "/etc/redis-external";
constexpr int k_group_may_read = 0440;

/// Changes when `text` does (FNV-1a). Tells an old configuration from a new one; keeps no secret.
std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  return fmt::format("{:016x}", hash);
}

Json from_field(std::string_view name, std::string_view path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

Json with_value(std::string_view name, std::string_view value) {
  return {{"name", name}, {"value", value}};
}

Json environment(const ClusterSpec& spec, std::optional<int> ordinal) {
  const Names names = names_of(spec.name);
  Json list = Json::array({from_field("POD_IP", "status.podIP"),
                           from_field("POD_NAME", "metadata.name"),
                           from_field("POD_NAMESPACE", "metadata.namespace"),
                           with_value("PEERS_SERVICE", names.headless_service)});
  if (ordinal) {
    list.push_back(with_value("ANNOUNCE", "service"));
    list.push_back(with_value("ANNOUNCE_HOST", names.node(*ordinal)));
  } else {
    list.push_back(with_value("ANNOUNCE", "pod"));
    list.push_back(with_value("ANNOUNCE_HOST", "$(POD_NAME)." + names.headless_service));
  }
  list.push_back(with_value("CLIENT_ENDPOINT",
                            spec.client_endpoint == ClientEndpoint::hostname ? "hostname" : "ip"));
  if (spec.external != External::none) {
    list.push_back(with_value("EXTERNAL_FILE", std::string(k_external_path) + "/addresses"));
  }
  if (spec.external == External::node_port) {
    list.push_back(from_field("NODE_IP", "status.hostIP"));
  }
  list.push_back(with_value("HAND_OVER_SECONDS", std::to_string(k_hand_over_seconds)));
  if (!spec.tls_secret.empty()) {
    list.push_back(with_value("TLS_DIR", k_tls_path));
  }
  if (!spec.auth_secret.empty()) {
    list.push_back(
        {{"name", "REDISCLI_AUTH"},
         {"valueFrom", {{"secretKeyRef", {{"name", spec.auth_secret}, {"key", k_password_key}}}}}});
  }
  return list;
}

Json shell_command(std::string_view script) {
  return {"/bin/sh", std::string(k_config_path) + "/" + std::string(script)};
}

Json run(const Json& command) { return {{"exec", {{"command", command}}}}; }

Json probe(const Json& command, int period_seconds, int failure_threshold) {
  Json probe = run(command);
  probe["periodSeconds"] = period_seconds;
  probe["timeoutSeconds"] = 5;
  probe["failureThreshold"] = failure_threshold;
  return probe;
}

Json resources(const ClusterSpec& spec) {
  Json result = Json::object();
  if (const Pairs requests = effective_requests(spec); !requests.empty()) {
    result["requests"] = requests;
  }
  if (!spec.limits.empty()) {
    result["limits"] = spec.limits;
  }
  return result;
}

Json mounts(const ClusterSpec& spec) {
  Json list = Json::array({{{"name", k_config_volume}, {"mountPath", k_config_path}},
                           {{"name", k_data_volume}, {"mountPath", k_data_path}},
                           {{"name", "tmp"}, {"mountPath", "/tmp"}}});
  if (spec.external != External::none) {
    list.push_back({{"name", k_external_volume}, {"mountPath", k_external_path}});
  }
  if (!spec.tls_secret.empty()) {
    list.push_back({{"name", k_tls_volume}, {"mountPath", k_tls_path}, {"readOnly", true}});
  }
  return list;
}

Json container(const ClusterSpec& spec, std::optional<int> ordinal) {
  Json loaded = shell_command("alive.sh");
  loaded.push_back("loaded");
  return {{"name", "redis"},
          {"image", spec.image},
          {"command", shell_command("start.sh")},
          {"env", environment(spec, ordinal)},
          {"ports",
           {{{"name", "redis"}, {"containerPort", k_redis_port}, {"protocol", "TCP"}},
            {{"name", "cluster"}, {"containerPort", k_bus_port}, {"protocol", "TCP"}}}},
          {"resources", resources(spec)},
          {"volumeMounts", mounts(spec)},
          {"startupProbe", probe(loaded, 1, k_loading_seconds)},
          {"readinessProbe", probe(shell_command("ready.sh"), 3, 2)},
          {"livenessProbe", probe(shell_command("alive.sh"), 10, 12)},
          {"lifecycle", {{"preStop", run(shell_command("stop.sh"))}}},
          {"securityContext",
           {{"allowPrivilegeEscalation", false},
            {"readOnlyRootFilesystem", true},
            {"capabilities", {{"drop", {"ALL"}}}}}}};
}

Json anti_affinity(const ClusterSpec& spec) {
  const Json term = {{"labelSelector", {{"matchLabels", selector_labels(spec.name)}}},
                     {"topologyKey", policy::k_host_topology}};
  if (spec.anti_affinity == AntiAffinity::required) {
    return {{"podAntiAffinity",
             {{"requiredDuringSchedulingIgnoredDuringExecution", Json::array({term})}}}};
  }
  return {{"podAntiAffinity",
           {{"preferredDuringSchedulingIgnoredDuringExecution",
             Json::array({{{"weight", 100}, {"podAffinityTerm", term}}})}}}};
}

Json toleration_object(const Toleration& toleration) {
  Json object = {{"operator", toleration.value ? "Equal" : "Exists"}};
  if (!toleration.key.empty()) {
    object["key"] = toleration.key;
  }
  if (toleration.value) {
    object["value"] = *toleration.value;
  }
  if (!toleration.effect.empty()) {
    object["effect"] = toleration.effect;
  }
  return object;
}

void add_placement(const ClusterSpec& spec, Json& pod) {
  pod["affinity"] = anti_affinity(spec);
  if (spec.zone_spread == ZoneSpread::on) {
    pod["topologySpreadConstraints"] =
        Json::array({{{"maxSkew", 1},
                      {"topologyKey", policy::k_zone_topology},
                      {"whenUnsatisfiable", "ScheduleAnyway"},
                      {"labelSelector", {{"matchLabels", selector_labels(spec.name)}}}}});
  }
  if (!spec.node_selector.empty()) {
    pod["nodeSelector"] = spec.node_selector;
  }
  for (const Toleration& toleration : spec.tolerations) {
    pod["tolerations"].push_back(toleration_object(toleration));
  }
  if (!spec.priority_class.empty()) {
    pod["priorityClassName"] = spec.priority_class;
  }
}

Json volumes(const ClusterSpec& spec, std::optional<int> ordinal) {
  const Names names = names_of(spec.name);
  Json list = Json::array({{{"name", k_config_volume}, {"configMap", {{"name", names.config_map}}}},
                           {{"name", "tmp"}, {"emptyDir", {{"sizeLimit", "16Mi"}}}}});
  if (spec.storage == Storage::ephemeral) {
    list.push_back({{"name", k_data_volume}, {"emptyDir", {{"sizeLimit", spec.size}}}});
  } else if (ordinal) {
    list.push_back({{"name", k_data_volume},
                    {"persistentVolumeClaim", {{"claimName", names.claim(*ordinal)}}}});
  }
  if (spec.external != External::none) {
    list.push_back(
        {{"name", k_external_volume}, {"configMap", {{"name", spec.name + "-external"}}}});
  }
  if (!spec.tls_secret.empty()) {
    list.push_back(
        {{"name", k_tls_volume},
         {"secret", {{"secretName", spec.tls_secret}, {"defaultMode", k_group_may_read}}}});
  }
  return list;
}

}  // namespace

Json pod_template(const ClusterSpec& spec, std::optional<int> ordinal) {
  Json labels = object_labels(spec);
  if (ordinal) {
    labels[std::string(k_ordinal_label)] = std::to_string(*ordinal);
  }
  Json annotations = spec.annotations;
  annotations[std::string(k_config_hash_annotation)] =
      spec.kept && !spec.kept->hash.empty() ? spec.kept->hash : fingerprint(redis_conf(spec));

  Json pod = {{"terminationGracePeriodSeconds", k_grace_seconds},
              {"enableServiceLinks", false},
              {"automountServiceAccountToken", false},
              {"securityContext",
               {{"runAsNonRoot", true},
                {"runAsUser", k_redis_user},
                {"runAsGroup", k_redis_user},
                {"fsGroup", k_redis_user},
                {"fsGroupChangePolicy", "OnRootMismatch"},
                {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
              {"containers", Json::array({container(spec, ordinal)})},
              {"volumes", volumes(spec, ordinal)}};
  if (!spec.service_account.empty()) {
    pod["serviceAccountName"] = spec.service_account;
  }
  add_placement(spec, pod);
  return {{"metadata", {{"labels", labels}, {"annotations", annotations}}}, {"spec", pod}};
}

}  // namespace kredis::manifest
