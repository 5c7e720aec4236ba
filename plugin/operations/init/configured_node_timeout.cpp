// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/configured_node_timeout.hpp"

#include <charconv>

#include "plugin/operations/config/source.hpp"

namespace kredis::plugin {

std::chrono::milliseconds configured_node_timeout(ports::KubePort& kube,
                                                  const observe::Located& located) {
  std::chrono::milliseconds timeout{0};
  const auto source = mounted_config(kube, located);
  if (!source) {
    return timeout;
  }
  // The last one counts, as in Redis.
  for (const wire::RedisDirective& directive : source->config.directives) {
    if (directive.name != "cluster-node-timeout" || directive.arguments.size() != 1) {
      continue;
    }
    const std::string& argument = directive.arguments.front();
    int value = 0;
    const auto read = std::from_chars(argument.data(), argument.data() + argument.size(), value);
    if (read.ec == std::errc{} && value > 0) {
      timeout = std::chrono::milliseconds(value);
    }
  }
  return timeout;
}

}  // namespace kredis::plugin
