// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/config/source.hpp"

namespace kredis::plugin {

Result<ConfigSource> mounted_config(ports::KubePort& kube, const observe::Located& located) {
  const auto path = "/spec/template/spec/volumes"_json_pointer;
  const Json volumes = located.workload.contains(path) ? located.workload.at(path) : Json::array();
  for (const Json& volume : volumes) {
    const std::string name = volume.value("/configMap/name"_json_pointer, std::string());
    if (name.empty()) {
      continue;
    }
    KREDIS_TRY(const Json config_map, kube.get({{"v1", "configmaps"}, located.namespace_, name}));
    const Json data = config_map.value("data", Json::object());
    for (const auto& [key, text] : data.items()) {
      if (!key.ends_with(".conf")) {
        continue;
      }
      auto config = wire::parse_redis_conf(text.get<std::string>());
      if (!config) {
        return config.error().while_doing("reading " + key + " of ConfigMap " + name);
      }
      return ConfigSource{.config_map = name, .key = key, .config = std::move(*config)};
    }
  }
  return Error::not_found("the pods of cluster " + located.name +
                          " mount no ConfigMap with a redis.conf")
      .with_hint(
          "keep redis.conf in a ConfigMap that the pods mount; kubectl redis create makes one");
}

}  // namespace kredis::plugin
