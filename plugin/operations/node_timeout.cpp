// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/node_timeout.hpp"

#include <charconv>
#include <optional>

#include "shared/wire/redis_conf.hpp"

namespace kredis::plugin {
namespace {

/// The last one counts, as in Redis.
std::optional<std::chrono::milliseconds> timeout_in(const std::string& text) {
  const auto config = wire::parse_redis_conf(text);
  std::optional<std::chrono::milliseconds> found;
  if (!config) {
    return found;
  }
  for (const wire::RedisDirective& directive : config->directives) {
    if (directive.name != "cluster-node-timeout" || directive.arguments.size() != 1) {
      continue;
    }
    const std::string& argument = directive.arguments.front();
    int value = 0;
    const auto read = std::from_chars(argument.data(), argument.data() + argument.size(), value);
    if (read.ec == std::errc{} && value > 0) {
      found = std::chrono::milliseconds(value);
    }
  }
  return found;
}

}  // namespace

std::chrono::milliseconds configured_node_timeout(ports::KubePort& kube, const Located& located) {
  const auto path = "/spec/template/spec/volumes"_json_pointer;
  for (const Json& volume : located.workload.value(path, Json::array())) {
    const std::string name = volume.value("/configMap/name"_json_pointer, std::string());
    if (name.empty()) {
      continue;
    }
    const auto config_map = kube.get({{"v1", "configmaps"}, located.namespace_, name});
    if (!config_map) {
      continue;
    }
    const Json data = config_map->value("data", Json::object());
    for (const auto& [key, text] : data.items()) {
      const bool config = key.size() > 5 && key.substr(key.size() - 5) == ".conf";
      if (const auto timeout = config ? timeout_in(text.get<std::string>()) : std::nullopt) {
        return *timeout;
      }
    }
  }
  return std::chrono::milliseconds{0};
}

}  // namespace kredis::plugin
