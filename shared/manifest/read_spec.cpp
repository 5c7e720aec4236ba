// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/read_spec.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/manifest/configuration.hpp"
#include "shared/manifest/names.hpp"
#include "shared/policy/json_access.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::manifest {
namespace {

using policy::at_path;
using policy::items;
using policy::text;
using policy::texts;

constexpr std::string_view k_template = "/spec/template";

const Json& in_template(const Json& workload, const std::string& path) {
  return at_path(workload, std::string(k_template) + path);
}

const Json& container_of(const Json& workload) {
  return in_template(workload, "/spec/containers/0");
}

int number_of(const Json& workload, std::string_view annotation, int otherwise) {
  const std::string value = annotation_of(workload, annotation);
  int number = otherwise;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

/// What an item of a list says of itself by `key`; null where none does.
const Json& item_named(const Json& list, std::string_view key, std::string_view name) {
  static const Json k_null;
  for (const Json& item : items(list)) {
    if (text(policy::member(item, {key})) == name) {
      return item;
    }
  }
  return k_null;
}

bool has_variable(const Json& workload, std::string_view name) {
  return !item_named(policy::member(container_of(workload), {"env"}), "name", name).is_null();
}

/// Labels and annotations that Kubernetes, kubectl or we put there are nobody's choice.
bool is_chosen(std::string_view key) {
  return key.find("kubernetes.io/") == std::string_view::npos &&
         !key.starts_with("kubectl-redis.dev/");
}

void read_metadata(const Json& workload, ClusterSpec& spec) {
  const auto own = common_labels(spec.name, spec.image);
  for (const auto& [key, value] : texts(in_template(workload, "/metadata/labels"))) {
    if (!own.contains(key) && is_chosen(key)) {
      spec.labels[key] = value;
    }
  }
  for (const auto& [key, value] : texts(in_template(workload, "/metadata/annotations"))) {
    if (is_chosen(key)) {
      spec.annotations[key] = value;
    }
  }
}

void read_claim(const Json& claim, ClusterSpec& spec) {
  spec.size = text(at_path(claim, "/resources/requests/storage"));
  spec.access_mode = text(at_path(claim, "/accessModes/0"));
  const Json& storage_class = at_path(claim, "/storageClassName");
  if (storage_class.is_string()) {
    spec.storage_class = text(storage_class);
  }
}

/// Whether we chose the class of a claim, and not the cluster its default one: the books of
/// server-side apply tell. Without books it was chosen.
bool is_class_chosen(const Json& claim) {
  for (const Json& entry : items(at_path(claim, "/metadata/managedFields"))) {
    if (text(policy::member(entry, {"manager"})) == k_field_manager) {
      return !at_path(entry, "/fieldsV1/f:spec/f:storageClassName").is_null();
    }
  }
  return true;
}

void read_storage(const Existing& there, ClusterSpec& spec) {
  const Json& data =
      item_named(in_template(there.workload, "/spec/volumes"), "name", k_data_volume);
  if (data.contains("emptyDir")) {
    spec.storage = Storage::ephemeral;
    spec.size = text(at_path(data, "/emptyDir/sizeLimit"));
    return;
  }
  spec.storage = Storage::claim;
  const bool has_template = spec.layout == Layout::statefulset;
  const Json& claim = has_template ? at_path(there.workload, "/spec/volumeClaimTemplates/0/spec")
                                   : at_path(there.claim, "/spec");
  if (!claim.is_null()) {
    read_claim(claim, spec);
  }
  if (!has_template && !is_class_chosen(there.claim)) {
    spec.storage_class.reset();
  }
  const Json& nfs = at_path(there.volume, "/spec/nfs");
  if (!nfs.is_null()) {
    const std::string& folder = text(policy::member(nfs, {"path"}));
    spec.nfs_server = text(policy::member(nfs, {"server"}));
    spec.nfs_path = folder.substr(0, folder.rfind('/'));
    spec.storage_class.reset();
  }
}

Toleration read_toleration(const Json& object) {
  Toleration toleration{.key = text(policy::member(object, {"key"})),
                        .effect = text(policy::member(object, {"effect"}))};
  if (const Json& value = policy::member(object, {"value"}); value.is_string()) {
    toleration.value = text(value);
  }
  return toleration;
}

void read_placement(const Json& workload, ClusterSpec& spec) {
  const Json& affinity = in_template(workload, "/spec/affinity/podAntiAffinity");
  spec.anti_affinity = affinity.contains("requiredDuringSchedulingIgnoredDuringExecution")
                           ? AntiAffinity::required
                           : AntiAffinity::preferred;
  spec.zone_spread = items(in_template(workload, "/spec/topologySpreadConstraints")).empty()
                         ? ZoneSpread::off
                         : ZoneSpread::on;
  spec.node_selector = texts(in_template(workload, "/spec/nodeSelector"));
  for (const Json& toleration : items(in_template(workload, "/spec/tolerations"))) {
    spec.tolerations.push_back(read_toleration(toleration));
  }
  spec.priority_class = text(in_template(workload, "/spec/priorityClassName"));
  spec.service_account = text(in_template(workload, "/spec/serviceAccountName"));
}

void read_access(const Existing& there, ClusterSpec& spec) {
  const std::string& type = text(at_path(there.access_service, "/spec/type"));
  spec.access = type == "NodePort"       ? Access::node_port
                : type == "LoadBalancer" ? Access::load_balancer
                                         : Access::cluster_ip;
  if (has_variable(there.workload, "EXTERNAL_FILE")) {
    spec.external =
        has_variable(there.workload, "NODE_IP") ? External::node_port : External::load_balancer;
  }
  const Json& environment = policy::member(container_of(there.workload), {"env"});
  spec.client_endpoint =
      text(policy::member(item_named(environment, "name", "CLIENT_ENDPOINT"), {"value"})) == "ip"
          ? ClientEndpoint::ip
          : ClientEndpoint::hostname;
  spec.auth_secret = annotation_of(there.workload, k_auth_secret_annotation);
  spec.tls_secret = annotation_of(there.workload, k_tls_secret_annotation);
}

/// The text behind a title of ours, up to the next one; empty without it.
std::string section(const std::string& whole, std::string_view title) {
  const std::string line = "\n# " + std::string(title) + "\n";
  const std::size_t begin = whole.find(line);
  if (begin == std::string::npos) {
    return {};
  }
  const std::size_t end = whole.find("\n# From --set:\n", begin + line.size() - 1);
  return whole.substr(begin + line.size(),
                      end == std::string::npos ? end : end - begin - line.size() + 1);
}

void take_setting(const wire::RedisDirective& directive, ClusterSpec& spec) {
  std::string line = wire::render_redis_conf({.directives = {directive}});
  const std::string value(core::trim(line.substr(std::min(directive.name.size(), line.size()))));
  std::erase_if(spec.settings, [&](const auto& each) { return each.first == directive.name; });
  spec.settings.emplace_back(directive.name, value);
}

}  // namespace

void read_configuration(const std::string& text, ClusterSpec& spec) {
  spec.config = section(text, "From --config:");
  const std::size_t ours =
      std::min(text.find("\n# From --config:\n"), text.find("\n# From --set:\n"));
  const std::string made = redis_conf(spec);
  const auto wanted = wire::parse_redis_conf(made);
  const auto there = wire::parse_redis_conf(text.substr(0, ours));
  for (const auto& directive : there ? there->directives : std::vector<wire::RedisDirective>{}) {
    const bool same = wanted && std::ranges::any_of(wanted->directives, [&](const auto& own) {
                        return own.name == directive.name && own.arguments == directive.arguments;
                      });
    if (!same) {
      take_setting(directive, spec);
    }
  }
  if (const auto set = wire::parse_redis_conf(section(text, "From --set:"))) {
    for (const wire::RedisDirective& directive : set->directives) {
      take_setting(directive, spec);
    }
  }
}

ClusterSpec read_spec(const Existing& there,
                      const std::string& name,
                      const std::string& namespace_) {
  ClusterSpec spec{.name = name, .namespace_ = namespace_};
  spec.masters = number_of(there.workload, k_masters_annotation, spec.masters);
  spec.replicas = number_of(there.workload, k_replicas_annotation, spec.replicas);
  spec.layout = text(policy::member(there.workload, {"kind"})) == "Deployment"
                    ? Layout::deployment
                    : Layout::statefulset;
  if (const std::string& image = text(policy::member(container_of(there.workload), {"image"}));
      !image.empty()) {
    spec.image = image;
  }
  read_metadata(there.workload, spec);
  read_storage(there, spec);
  spec.requests = texts(at_path(container_of(there.workload), "/resources/requests"));
  spec.limits = texts(at_path(container_of(there.workload), "/resources/limits"));
  read_placement(there.workload, spec);
  read_access(there, spec);
  if (const std::string& conf = text(at_path(there.config_map, "/data/redis.conf"));
      !conf.empty()) {
    read_configuration(conf, spec);
    const auto annotations = texts(in_template(there.workload, "/metadata/annotations"));
    const auto hash = annotations.find(std::string(k_config_hash_annotation));
    spec.kept = Kept{.redis_conf = conf, .hash = hash == annotations.end() ? "" : hash->second};
  }
  return spec;
}

}  // namespace kredis::manifest
