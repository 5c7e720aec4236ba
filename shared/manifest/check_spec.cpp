// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/check_spec.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "shared/core/text.hpp"
#include "shared/manifest/kube_syntax.hpp"
#include "shared/manifest/names.hpp"
#include "shared/manifest/object_parts.hpp"
#include "shared/wire/quantity.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::manifest {
namespace {

template <typename... Arguments>
Error invalid(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return Error::invalid_argument(fmt::format(format, std::forward<Arguments>(arguments)...));
}

Status check_name(const ClusterSpec& spec) {
  if (spec.name.size() > k_longest_name) {
    return invalid("the name {} has {} characters, too many for the names made from it",
                   core::quoted(spec.name),
                   spec.name.size())
        .with_hint(fmt::format("use {} characters at most", k_longest_name));
  }
  if (!is_dns_label(spec.name)) {
    return invalid("the name {} cannot be part of a Service's name", core::quoted(spec.name))
        .with_hint("use lower-case letters, digits and dashes, beginning with a letter");
  }
  if (!is_dns_subdomain(spec.namespace_) || spec.namespace_.size() > 63) {
    return invalid("{} is not a namespace's name", core::quoted(spec.namespace_))
        .with_hint("list the namespaces: kubectl get namespaces");
  }
  return {};
}

/// Official images that are often at hand; what a name of one's own holds only its pods tell.
bool is_known_for_something_else(std::string_view image) {
  constexpr std::array<std::string_view, 14> k_others{"nginx",
                                                      "httpd",
                                                      "busybox",
                                                      "ubuntu",
                                                      "debian",
                                                      "alpine",
                                                      "centos",
                                                      "postgres",
                                                      "mysql",
                                                      "mariadb",
                                                      "mongo",
                                                      "memcached",
                                                      "python",
                                                      "node"};
  std::string_view name = image.substr(image.rfind('/') + 1);
  name = name.substr(0, name.find_first_of(":@"));
  return core::is_one_of(k_others, name);
}

Status check_shape(const ClusterSpec& spec) {
  if (spec.masters < k_fewest_masters) {
    return invalid("--masters {} cannot make a cluster: a majority of masters must survive one",
                   spec.masters)
        .with_hint("use --masters 3 or more");
  }
  if (spec.replicas < 0) {
    return invalid("--replicas {} is less than none", spec.replicas)
        .with_hint("use --replicas 1, or 0 for a cluster that loses data with a volume");
  }
  // Each alone first, so that the product cannot overflow.
  if (spec.masters > k_most_nodes || spec.replicas > k_most_nodes || spec.nodes() > k_most_nodes) {
    return invalid(
               "--masters {} with --replicas {} is more than {} nodes, the most that Redis "
               "Cluster is made for",
               spec.masters,
               spec.replicas,
               k_most_nodes)
        .with_hint("use fewer and larger nodes, or several clusters");
  }
  const bool is_image =
      !spec.image.empty() && std::ranges::none_of(spec.image, [](unsigned char c) {
        return std::isspace(c) != 0 || std::iscntrl(c) != 0;
      });
  if (!is_image) {
    return invalid("--image {} names no image", core::quoted(spec.image))
        .with_hint("name one with its version, such as redis:8.0 or valkey/valkey:8.1");
  }
  if (is_known_for_something_else(spec.image)) {
    return invalid("--image {} has no redis-server in it", core::quoted(spec.image))
        .with_hint("name one that has, such as redis:8.0 or valkey/valkey:8.1");
  }
  return {};
}

Status check_quantity(std::string_view option, const std::string& text) {
  const auto quantity = wire::parse_quantity(text);
  if (!quantity) {
    return invalid("{} {} is not a quantity", option, core::quoted(text))
        .with_hint("write it as Kubernetes does: 200M, 10Gi, 500m");
  }
  if (quantity->is_zero()) {
    return invalid("{} {} is nothing", option, core::quoted(text)).with_hint("ask for some");
  }
  return {};
}

Status check_access_mode(const ClusterSpec& spec) {
  constexpr std::array<std::string_view, 3> modes{
      "ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"};
  if (spec.access_mode && std::ranges::find(modes, *spec.access_mode) == modes.end()) {
    return invalid("--access-mode {} does not let a node write to its volume",
                   core::quoted(*spec.access_mode))
        .with_hint("use ReadWriteOnce, ReadWriteOncePod or ReadWriteMany");
  }
  return {};
}

Status check_external(const ClusterSpec& spec) {
  if (spec.external != External::none && spec.layout == Layout::deployment) {
    return Error::invalid_argument(
               "--external needs the StatefulSet layout: there the pods keep their names")
        .with_hint("leave out --layout deployment");
  }
  if (spec.external == External::load_balancer && spec.client_endpoint == ClientEndpoint::ip) {
    return Error::invalid_argument(
               "--external LoadBalancer announces names, which --client-endpoint ip keeps back")
        .with_hint("leave out --client-endpoint ip");
  }
  return {};
}

Status check_nfs(const ClusterSpec& spec) {
  if (spec.nfs_server.empty() != spec.nfs_path.empty()) {
    return Error::invalid_argument("--nfs-server and --nfs-path belong together")
        .with_hint("give both: the server's name, and the folder that holds pv1, pv2, ...");
  }
  if (spec.on_nfs() && spec.storage_class) {
    return Error::invalid_argument(
               "--nfs-server and --storage-class exclude each other: volumes "
               "are either made on that server or by that class")
        .with_hint("leave one of them out");
  }
  if (!spec.nfs_path.empty() && !spec.nfs_path.starts_with('/')) {
    return invalid("--nfs-path {} is not an absolute path", core::quoted(spec.nfs_path))
        .with_hint("give the path as the server exports it, from / on");
  }
  return {};
}

Status check_storage(const ClusterSpec& spec) {
  KREDIS_CHECK(check_quantity("--size", spec.size));
  KREDIS_CHECK(check_access_mode(spec));
  KREDIS_CHECK(check_external(spec));
  KREDIS_CHECK(check_nfs(spec));
  const bool wants_volume = spec.on_nfs() || spec.storage_class || spec.access_mode;
  if (spec.storage == Storage::ephemeral && wants_volume) {
    return Error::invalid_argument(
               "--ephemeral has no volumes, so --nfs-server, --storage-class "
               "and --access-mode mean nothing with it")
        .with_hint("leave --ephemeral out to keep the data, or the others to lose it with the pod");
  }
  // An empty class is Kubernetes' way to ask for volumes that somebody made beforehand.
  const std::string storage_class = spec.storage_class.value_or("");
  if (!storage_class.empty() && !is_dns_subdomain(storage_class)) {
    return invalid("--storage-class {} is not a class's name", core::quoted(storage_class))
        .with_hint("list the classes: kubectl get storageclasses");
  }
  return {};
}

/// A master that wants more replicas in step than it can have takes no write at all.
Status check_wanted_replicas(const ClusterSpec& spec, const wire::RedisConf& config) {
  for (const wire::RedisDirective& directive : config.directives) {
    const bool wants = directive.name == "min-replicas-to-write" && !directive.arguments.empty();
    const auto count = wants ? core::to_number<int>(directive.arguments.front()) : std::nullopt;
    if (count && *count > spec.replicas) {
      return invalid("min-replicas-to-write {} with --replicas {} would refuse every write",
                     *count,
                     spec.replicas)
          .with_hint(fmt::format("give each master --replicas {}, or ask for fewer", *count));
    }
  }
  return {};
}

Status check_config(const ClusterSpec& spec) {
  KREDIS_TRY(wire::RedisConf config, wire::parse_redis_conf(spec.config));
  for (const auto& [key, value] : spec.settings) {
    KREDIS_TRY(wire::RedisDirective directive, wire::parse_setting(key, value));
    config.directives.push_back(std::move(directive));
  }
  const wire::ConfigRules rules{.port = spec.tls_secret.empty() ? k_redis_port : 0,
                                .data_dir = std::string(k_data_path),
                                .has_password = !spec.auth_secret.empty()};
  if (const auto errors = wire::check_user_config(config, rules); !errors.empty()) {
    return errors.front();
  }
  return check_wanted_replicas(spec, config);
}

Status check_resources(const ClusterSpec& spec) {
  for (const auto& [option, amounts] :
       {std::pair{"--requests", &spec.requests}, std::pair{"--limits", &spec.limits}}) {
    for (const auto& [resource, amount] : *amounts) {
      if (!is_qualified_name(resource)) {
        return invalid("{} {} names no resource", option, core::quoted(resource))
            .with_hint("name cpu, memory or another resource of the nodes");
      }
      KREDIS_CHECK(check_quantity(fmt::format("{} {}:", option, resource), amount));
    }
  }
  for (const auto& [resource, amount] : effective_requests(spec)) {
    const auto limit = spec.limits.find(resource);
    if (limit == spec.limits.end()) {
      continue;
    }
    KREDIS_TRY(const wire::Quantity asked, wire::parse_quantity(amount));
    KREDIS_TRY(const wire::Quantity most, wire::parse_quantity(limit->second));
    if (asked > most) {
      return invalid("--requests {}={} is more than --limits {}={}",
                     resource,
                     amount,
                     resource,
                     limit->second)
          .with_hint("ask for no more than the limit");
    }
  }
  return {};
}

Status check_reference(std::string_view option, const std::string& name) {
  if (!name.empty() && !is_dns_subdomain(name)) {
    return invalid("{} {} is not an object's name", option, core::quoted(name))
        .with_hint("use lower-case letters, digits, dashes and dots");
  }
  return {};
}

Status check_references(const ClusterSpec& spec) {
  KREDIS_CHECK(check_reference("--auth-secret", spec.auth_secret));
  KREDIS_CHECK(check_reference("--tls-secret", spec.tls_secret));
  KREDIS_CHECK(check_reference("--service-account", spec.service_account));
  return check_reference("--priority-class", spec.priority_class);
}

Status check_key(std::string_view option, const std::string& key) {
  if (!is_qualified_name(key)) {
    return invalid("{} {} is not a key", option, core::quoted(key))
        .with_hint(
            "use letters, digits, dashes, underscores and dots, 63 at most, after a domain "
            "and / if you like");
  }
  return {};
}

Status check_value(std::string_view option, const std::string& key, const std::string& value) {
  if (!is_label_value(value)) {
    return invalid("{} {}={} is not a label's value", option, key, core::quoted(value))
        .with_hint("use letters, digits, dashes, underscores and dots, 63 at most");
  }
  return {};
}

Status check_own(std::string_view option, const std::string& key, bool is_own) {
  if (is_own) {
    return invalid("{} {} is set by kubectl redis itself", option, key)
        .with_hint("choose another key");
  }
  return {};
}

Status check_labels(const ClusterSpec& spec) {
  const auto own = common_labels(spec.name, "redis:1");
  for (const auto& [key, value] : spec.labels) {
    KREDIS_CHECK(check_key("--labels", key));
    KREDIS_CHECK(check_value("--labels", key, value));
    KREDIS_CHECK(check_own("--labels", key, own.contains(key) || key == k_ordinal_label));
  }
  for (const auto& [key, value] : spec.annotations) {
    KREDIS_CHECK(check_key("--annotations", key));
    KREDIS_CHECK(check_own("--annotations", key, key.starts_with("kubectl-redis.dev/")));
  }
  for (const auto& [key, value] : spec.node_selector) {
    KREDIS_CHECK(check_key("--node-selector", key));
    KREDIS_CHECK(check_value("--node-selector", key, value));
  }
  return {};
}

Status check_tolerations(const ClusterSpec& spec) {
  constexpr std::array<std::string_view, 4> effects{
      "", "NoSchedule", "PreferNoSchedule", "NoExecute"};
  for (const Toleration& toleration : spec.tolerations) {
    if (!toleration.key.empty()) {
      KREDIS_CHECK(check_key("--tolerations", toleration.key));
    } else if (toleration.value) {
      return invalid("--tolerations ={} has a value and no key", *toleration.value)
          .with_hint("write KEY=VALUE:EFFECT");
    }
    KREDIS_CHECK(check_value("--tolerations", toleration.key, toleration.value.value_or("")));
    if (std::ranges::find(effects, toleration.effect) == effects.end()) {
      return invalid("--tolerations {}: {} is no effect of a taint",
                     toleration.key,
                     core::quoted(toleration.effect))
          .with_hint("use NoSchedule, PreferNoSchedule or NoExecute");
    }
  }
  return {};
}

constexpr std::array k_checks{&check_name,
                              &check_shape,
                              &check_storage,
                              &check_config,
                              &check_resources,
                              &check_references,
                              &check_labels,
                              &check_tolerations};

}  // namespace

Status check(const ClusterSpec& spec) {
  for (const auto& check_one : k_checks) {
    KREDIS_CHECK(check_one(spec));
  }
  return {};
}

}  // namespace kredis::manifest
