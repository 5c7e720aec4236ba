// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/create_options.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>

#include <CLI/CLI.hpp>

namespace kredis::plugin {
namespace {

using manifest::ClusterSpec;

constexpr std::size_t k_config_limit_bytes = 1U << 20U;

Error bad_pair(const std::string& flag, const std::string& text) {
  return Error::invalid_argument(flag + " got \"" + text + "\", which is not KEY=VALUE")
      .with_hint("write " + flag + " KEY=VALUE, several separated by commas or by repeating it");
}

/// "a=1,b=2" as pairs, in order.
Result<std::vector<std::pair<std::string, std::string>>> pairs_of(
    const std::string& flag, const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return bad_pair(flag, text);
    }
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

Status read_map(const std::string& flag,
                const std::vector<std::string>& texts,
                manifest::Pairs& into) {
  KREDIS_TRY(const auto pairs, pairs_of(flag, texts));
  for (const auto& [key, value] : pairs) {
    into[key] = value;
  }
  return {};
}

/// kubectl's own notation for taints: KEY=VALUE:EFFECT, KEY:EFFECT, KEY or KEY=VALUE.
manifest::Toleration toleration_of(const std::string& text) {
  manifest::Toleration toleration;
  const std::size_t colon = text.rfind(':');
  std::string taint = text.substr(0, colon);
  if (colon != std::string::npos) {
    toleration.effect = text.substr(colon + 1);
  }
  const std::size_t equals = taint.find('=');
  toleration.key = taint.substr(0, equals);
  if (equals != std::string::npos) {
    toleration.value = taint.substr(equals + 1);
  }
  return toleration;
}

Result<std::string> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error::invalid_argument("cannot read the configuration file " + path)
        .with_hint("give --config the path of a redis.conf");
  }
  std::string text;
  text.resize(k_config_limit_bytes + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) {
    return Error::invalid_argument("cannot read the configuration file " + path)
        .with_hint("give --config a file, not a folder");
  }
  if (text.size() > k_config_limit_bytes) {
    return Error::invalid_argument("the configuration file " + path + " is larger than 1 MiB")
        .with_hint("a ConfigMap holds at most 1 MiB; is it the right file?");
  }
  if (text.find('\0') != std::string::npos) {
    return Error::invalid_argument("the configuration file " + path + " is binary")
        .with_hint("give --config a redis.conf");
  }
  return text;
}

void add_shape_flags(CLI::App& verb, CreateOptions& options) {
  const std::string group = "Shape";
  verb.add_option("--masters", options.spec.masters, "Masters, at least 3")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--replicas", options.spec.replicas, "Replicas of each master")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--image", options.spec.image, "Image with redis-server or valkey-server")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--layout",
                  options.layout,
                  "statefulset, or deployment (a Deployment and a Service for each node)")
      ->check(CLI::IsMember({"statefulset", "deployment"}))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--config", options.config_file, "A redis.conf to merge in")->group(group);
  verb.add_option("--set", options.settings, "KEY=VALUE of redis.conf; may be repeated")
      ->group(group);
}

void add_storage_flags(CLI::App& verb, CreateOptions& options) {
  const std::string group = "Storage";
  verb.add_option("--storage-class", options.storage_class, "StorageClass of the claims")
      ->group(group);
  verb.add_option("--size", options.spec.size, "Size of each claim")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--access-mode",
                  options.access_mode,
                  "Access mode of the claims (ReadWriteOnce; on NFS ReadWriteMany)")
      ->group(group);
  verb.add_option("--nfs-server", options.spec.nfs_server, "NFS server to make volumes from")
      ->group(group);
  verb.add_option("--nfs-path", options.spec.nfs_path, "Folder there that holds pv1, pv2, ...")
      ->group(group);
  verb.add_flag("--ephemeral", options.ephemeral, "No claims: the data lives and dies with the pod")
      ->group(group);
}

void add_pod_flags(CLI::App& verb, CreateOptions& options) {
  const std::string group = "Pods";
  verb.add_option(
          "--requests", options.requests, "Resource requests, such as cpu=100m,memory=100Mi")
      ->delimiter(',')
      ->group(group);
  verb.add_option("--limits", options.limits, "Resource limits")->delimiter(',')->group(group);
  verb.add_option("--anti-affinity",
                  options.anti_affinity,
                  "Whether two pods may share a node: preferred (if need be) or required (never)")
      ->check(CLI::IsMember({"preferred", "required"}))
      ->capture_default_str()
      ->group(group);
  verb.add_flag("--zone-spread", options.zone_spread, "Spread pods evenly over zones")
      ->group(group);
  verb.add_option("--labels", options.labels, "More labels, KEY=VALUE")
      ->delimiter(',')
      ->group(group);
  verb.add_option("--annotations", options.annotations, "More annotations, KEY=VALUE")
      ->delimiter(',')
      ->group(group);
  verb.add_option("--service-account", options.spec.service_account, "ServiceAccount of the pods")
      ->group(group);
  verb.add_option("--node-selector", options.node_selector, "Labels of nodes to run on, KEY=VALUE")
      ->delimiter(',')
      ->group(group);
  verb.add_option("--tolerations", options.tolerations, "Taints to accept, KEY[=VALUE][:EFFECT]")
      ->delimiter(',')
      ->group(group);
  verb.add_option("--priority-class", options.spec.priority_class, "PriorityClass of the pods")
      ->group(group);
}

void add_access_flags(CLI::App& verb, CreateOptions& options) {
  const std::string group = "Access";
  verb.add_option("--access", options.access, "Type of the access Service")
      ->check(CLI::IsMember({"ClusterIP", "NodePort", "LoadBalancer"}))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--external",
                  options.external,
                  "Give each pod a Service for clients outside the cluster's network")
      ->check(CLI::IsMember({"NodePort", "LoadBalancer"}))
      ->group(group);
  verb.add_option("--client-endpoint",
                  options.client_endpoint,
                  "What nodes tell clients to connect to: hostname or ip")
      ->check(CLI::IsMember({"hostname", "ip"}))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--auth-secret",
                  options.spec.auth_secret,
                  "Secret with the key \"password\" (and \"username\")")
      ->group(group);
  verb.add_option(
          "--tls-secret", options.spec.tls_secret, "Secret with ca.crt, tls.crt and tls.key")
      ->group(group);
}

}  // namespace

void add_create_flags(CLI::App& verb, CreateOptions& options) {
  verb.add_option("NAME", options.spec.name, "Name of the cluster")->capture_default_str();
  add_shape_flags(verb, options);
  add_storage_flags(verb, options);
  add_pod_flags(verb, options);
  add_access_flags(verb, options);
  verb.add_flag("--no-init", options.no_init, "Stop when the pods are ready");
  verb.add_option("--timeout", options.timeout, "Longest wait for pods, then for the cluster")
      ->capture_default_str();
  verb.add_option("--dry-run",
                  options.dry_run,
                  "client (print the objects) or server (let the server check them)")
      ->check(CLI::IsMember({"none", "client", "server"}));
  verb.add_option("-o,--output", options.output, "json, yaml, wide or name");
  verb.add_flag("-y,--yes", options.yes, "Do not ask");
}

Result<ClusterSpec> spec_of(const CreateOptions& options, const std::string& namespace_) {
  ClusterSpec spec = options.spec;
  spec.namespace_ = namespace_;
  spec.storage = options.ephemeral ? manifest::Storage::ephemeral : manifest::Storage::claim;
  if (!options.storage_class.empty()) {
    spec.storage_class = options.storage_class;
  }
  if (!options.access_mode.empty()) {
    spec.access_mode = options.access_mode;
  }
  spec.zone_spread = options.zone_spread ? manifest::ZoneSpread::on : manifest::ZoneSpread::off;
  spec.anti_affinity = options.anti_affinity == "required" ? manifest::AntiAffinity::required
                                                           : manifest::AntiAffinity::preferred;
  spec.layout =
      options.layout == "deployment" ? manifest::Layout::deployment : manifest::Layout::statefulset;
  spec.access = options.access == "NodePort"       ? manifest::Access::node_port
                : options.access == "LoadBalancer" ? manifest::Access::load_balancer
                                                   : manifest::Access::cluster_ip;
  spec.external = options.external == "NodePort"       ? manifest::External::node_port
                  : options.external == "LoadBalancer" ? manifest::External::load_balancer
                                                       : manifest::External::none;
  spec.client_endpoint = options.client_endpoint == "ip" ? manifest::ClientEndpoint::ip
                                                         : manifest::ClientEndpoint::hostname;
  if (!options.config_file.empty()) {
    KREDIS_TRY(spec.config, read_config(options.config_file));
  }
  KREDIS_TRY(spec.settings, pairs_of("--set", options.settings));
  KREDIS_CHECK(read_map("--requests", options.requests, spec.requests));
  KREDIS_CHECK(read_map("--limits", options.limits, spec.limits));
  KREDIS_CHECK(read_map("--labels", options.labels, spec.labels));
  KREDIS_CHECK(read_map("--annotations", options.annotations, spec.annotations));
  KREDIS_CHECK(read_map("--node-selector", options.node_selector, spec.node_selector));
  for (const std::string& text : options.tolerations) {
    spec.tolerations.push_back(toleration_of(text));
  }
  return spec;
}

}  // namespace kredis::plugin
