// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/configuration.hpp"

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "shared/manifest/names.hpp"
#include "shared/wire/quantity.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::manifest {
namespace {

struct Directive {
  std::string reason;
  std::string key;
  std::string value;
};

std::set<std::string> keys_of(const wire::RedisConf& config) {
  std::set<std::string> keys;
  for (const wire::RedisDirective& directive : config.directives) {
    keys.insert(directive.name);
  }
  return keys;
}

std::string port_text() { return std::to_string(k_redis_port); }

void add_basics(std::vector<Directive>& lines) {
  const std::string data(k_data_path);
  lines.push_back(
      {"Every write goes to a log on the volume, and a restart replays it.", "appendonly", "yes"});
  lines.push_back({"That log reaches the disk once a second: what a crash can cost at most.",
                   "appendfsync",
                   "everysec"});
  lines.push_back({"A node of a cluster, not a server on its own.", "cluster-enabled", "yes"});
  lines.push_back({"The node's identity; on the volume, so that it outlives the pod.",
                   "cluster-config-file",
                   data + "/nodes.conf"});
  lines.push_back({"A node that is silent for this long (milliseconds) counts as failed.",
                   "cluster-node-timeout",
                   "5000"});
  lines.push_back({"A shard that is lost costs its own keys, not everybody's.",
                   "cluster-require-full-coverage",
                   "no"});
  lines.push_back({"A replica that comes back is copied to after a second, not five.",
                   "repl-diskless-sync-delay",
                   "1"});
  lines.push_back({"Where the volume is mounted.", "dir", data});
}

void add_tls(const ClusterSpec& spec, std::vector<Directive>& lines) {
  const std::string folder(k_tls_path);
  lines.push_back({"No plain port: clients use TLS.", "port", "0"});
  lines.push_back({"The container's port `redis`, with TLS.", "tls-port", port_text()});
  lines.push_back({"The certificate, from the Secret.", "tls-cert-file", folder + "/tls.crt"});
  lines.push_back({"Its key.", "tls-key-file", folder + "/tls.key"});
  lines.push_back({"Whose certificates are trusted.", "tls-ca-cert-file", folder + "/ca.crt"});
  lines.push_back({"Replicas copy from their master over TLS.", "tls-replication", "yes"});
  lines.push_back({"The nodes talk to each other over TLS.", "tls-cluster", "yes"});
  if (spec.auth_secret.empty()) {
    lines.push_back({"Without a password a client's certificate is what lets it in.",
                     "tls-auth-clients",
                     "yes"});
  } else {
    lines.push_back({"The password lets clients in; a certificate is welcome, not required.",
                     "tls-auth-clients",
                     "optional"});
  }
}

/// Room for the data under the limit; nothing where there is no limit.
void add_memory(const ClusterSpec& spec, std::vector<Directive>& lines) {
  const auto limit = spec.limits.find("memory");
  if (limit == spec.limits.end()) {
    return;
  }
  const std::int64_t bytes = wire::parse_byte_quantity(limit->second).value_or(0);
  const std::int64_t room = bytes / 100 * k_maxmemory_percent_of_limit;
  lines.push_back({fmt::format("{} % of the memory limit; a fork's copies need the rest.",
                               k_maxmemory_percent_of_limit),
                   "maxmemory",
                   std::to_string(room)});
}

std::vector<Directive> own_lines(const ClusterSpec& spec) {
  std::vector<Directive> lines;
  add_basics(lines);
  add_memory(spec, lines);
  if (spec.tls_secret.empty()) {
    lines.push_back({"The container's port `redis`; the bus is 10000 above.", "port", port_text()});
  } else {
    add_tls(spec, lines);
  }
  if (spec.auth_secret.empty()) {
    lines.push_back(
        {"Pods reach each other by address, which this would forbid without a password.",
         "protected-mode",
         "no"});
  }
  return lines;
}

void append_section(std::string& text, std::string_view title, std::string_view lines) {
  if (lines.empty()) {
    return;
  }
  text.append("\n# ").append(title).append("\n").append(lines);
  if (text.back() != '\n') {
    text += '\n';
  }
}

}  // namespace

std::string redis_conf(const ClusterSpec& spec) {
  if (spec.kept) {
    return spec.kept->redis_conf;
  }
  wire::RedisConf settings;
  for (const auto& [key, value] : spec.settings) {
    if (auto directive = wire::parse_setting(key, value)) {
      settings.directives.push_back(std::move(*directive));
    }
  }
  std::set<std::string> taken = keys_of(settings);
  if (const auto file = wire::parse_redis_conf(spec.config)) {
    taken.merge(keys_of(*file));
  }

  std::string text =
      "# Made by kubectl redis; change it with kubectl redis create --config or --set.\n";
  for (const Directive& line : own_lines(spec)) {
    if (!taken.contains(line.key)) {
      text += "# " + line.reason + "\n" + line.key + " " + line.value + "\n";
    }
  }
  append_section(text, "From --config:", spec.config);
  append_section(text, "From --set:", wire::render_redis_conf(settings));
  return text;
}

}  // namespace kredis::manifest
