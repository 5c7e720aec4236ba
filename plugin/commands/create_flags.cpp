// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/create_flags.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>

#include "plugin/commands/flags.hpp"
#include "plugin/operations/create/standing.hpp"
#include "shared/core/text.hpp"

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

using Settings = std::vector<std::pair<std::string, std::string>>;

/// What belongs to it in redis.conf; what --set names wins.
Settings durable_settings(const std::string& durability, const Settings& said) {
  const bool safe = durability == "safe";
  Settings settings = {{"appendfsync", safe ? "always" : "everysec"},
                       {"min-replicas-to-write", safe ? "1" : "0"},
                       {"min-replicas-max-lag", safe ? "2" : "10"}};
  std::erase_if(settings, [&said](const auto& each) {
    return std::ranges::any_of(
        said, [&each](const auto& other) { return core::to_lower(other.first) == each.first; });
  });
  return settings;
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

std::string words_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

Status check_allow_words(const std::vector<std::string>& words) {
  const std::vector<std::string> known = allow_words();
  for (const std::string& word : words) {
    if (std::ranges::find(known, word) == known.end()) {
      return Error::invalid_argument("--allow does not know " + word)
          .with_hint("it takes " + words_of(known));
    }
  }
  return {};
}

void add_shape_flags(Verb& verb, CreateFlags& flags) {
  verb.section("Shape");
  verb.option("--masters", flags.spec.masters, "Masters, at least 3");
  verb.option("--replicas", flags.spec.replicas, "Replicas of each master");
  verb.option("--image", flags.spec.image, "Image with redis-server or valkey-server");
  verb.choice("--layout",
              flags.spec.layout,
              layouts(),
              "statefulset, or deployment (a Deployment and a Service for each node)");
  verb.option("--config", flags.config_file, "A redis.conf to merge in").kind("FILE");
  verb.option("--set", flags.settings, "KEY=VALUE of redis.conf; may be repeated");
  const std::vector<std::string> durabilities = {"fast", "safe"};
  verb.choice("--durability",
              flags.durability,
              durabilities,
              "What an acknowledged write outlives (docs/durability.md)");
}

void add_storage_flags(Verb& verb, CreateFlags& flags) {
  verb.section("Storage");
  verb.option("--storage-class", flags.spec.storage_class, "StorageClass of the claims");
  verb.option("--size", flags.spec.size, "Size of each claim");
  const std::vector<std::string> modes = {"ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"};
  verb.choice("--access-mode",
              flags.spec.access_mode,
              modes,
              "Access mode of the claims (ReadWriteOnce; on NFS ReadWriteMany)");
  verb.option("--nfs-server", flags.spec.nfs_server, "NFS server to make volumes from");
  verb.option("--nfs-path", flags.spec.nfs_path, "Folder there that holds pv1, pv2, ...");
  verb.flag("--ephemeral", flags.ephemeral, "No claims: the data lives and dies with the pod");
}

void add_pod_flags(Verb& verb, CreateFlags& flags) {
  verb.section("Pods");
  verb.option("--requests", flags.requests, "Resource requests, such as cpu=100m,memory=100Mi")
      .with_commas();
  verb.option("--limits", flags.limits, "Resource limits").with_commas();
  const Choices<manifest::AntiAffinity> wishes = {{"preferred", manifest::AntiAffinity::preferred},
                                                  {"required", manifest::AntiAffinity::required}};
  verb.choice("--anti-affinity",
              flags.spec.anti_affinity,
              wishes,
              "Whether two pods may share a node: preferred (if need be) or required (never)");
  verb.flag("--zone-spread", flags.zone_spread, "Spread pods evenly over zones");
  verb.option("--labels", flags.labels, "More labels, KEY=VALUE").with_commas();
  verb.option("--annotations", flags.annotations, "More annotations, KEY=VALUE").with_commas();
  verb.option("--service-account", flags.spec.service_account, "ServiceAccount of the pods");
  verb.option("--node-selector", flags.node_selector, "Labels of nodes to run on, KEY=VALUE")
      .with_commas();
  verb.option("--tolerations", flags.tolerations, "Taints to accept, KEY[=VALUE][:EFFECT]")
      .with_commas();
  verb.option("--priority-class", flags.spec.priority_class, "PriorityClass of the pods");
}

void add_access_flags(Verb& verb, CreateFlags& flags) {
  verb.section("Access");
  const Choices<manifest::Access> types = {{"ClusterIP", manifest::Access::cluster_ip},
                                           {"NodePort", manifest::Access::node_port},
                                           {"LoadBalancer", manifest::Access::load_balancer}};
  verb.choice("--access", flags.spec.access, types, "Type of the access Service");
  const Choices<manifest::External> external = {
      {"NodePort", manifest::External::node_port},
      {"LoadBalancer", manifest::External::load_balancer}};
  verb.choice("--external",
              flags.spec.external,
              external,
              "Give each pod a Service for clients outside the cluster's network");
  const Choices<manifest::ClientEndpoint> endpoints = {
      {"hostname", manifest::ClientEndpoint::hostname}, {"ip", manifest::ClientEndpoint::ip}};
  verb.choice("--client-endpoint",
              flags.spec.client_endpoint,
              endpoints,
              "What nodes tell clients to connect to: hostname or ip");
  verb.option("--auth-secret",
              flags.spec.auth_secret,
              "Secret with the key \"password\" (and \"username\")");
  verb.option("--tls-secret", flags.spec.tls_secret, "Secret with ca.crt, tls.crt and tls.key");
}

}  // namespace

void add_create_flags(Verb& verb, CreateFlags& flags) {
  verb.positional("NAME", flags.spec.name, "Name of the cluster");
  verb.flag("--no-init", flags.no_init, "Stop when the pods are ready");
  add_timeout(verb, flags.timeout, "Longest wait for pods, then for the cluster");
  add_dry_run(verb, flags.dry_run, "Print the objects and stop; with server, let it check them");
  add_output(
      verb, flags.output, {Output::text, Output::wide, Output::json, Output::yaml, Output::name});
  add_yes(verb, flags.yes);
  add_shape_flags(verb, flags);
  add_storage_flags(verb, flags);
  add_pod_flags(verb, flags);
  add_access_flags(verb, flags);
  verb.section("On a cluster that is there");
  verb.option("--allow", flags.allow, "What a change may take away: " + words_of(allow_words()))
      .with_commas();
  verb.note_given(flags.given);
}

Result<ClusterSpec> spec_of(const CreateFlags& options, const std::string& namespace_) {
  KREDIS_CHECK(check_allow_words(options.allow));
  ClusterSpec spec = options.spec;
  spec.namespace_ = namespace_;
  spec.storage = options.ephemeral ? manifest::Storage::ephemeral : manifest::Storage::claim;
  spec.zone_spread = options.zone_spread ? manifest::ZoneSpread::on : manifest::ZoneSpread::off;
  if (!options.config_file.empty()) {
    KREDIS_TRY(spec.config, read_config(options.config_file));
  }
  KREDIS_TRY(spec.settings, pairs_of("--set", options.settings));
  if (options.durability) {
    const Settings settings = durable_settings(*options.durability, spec.settings);
    spec.settings.insert(spec.settings.begin(), settings.begin(), settings.end());
  }
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
