// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/config/source.hpp"

#include <utility>

#include "shared/observe/redis_process.hpp"

namespace kredis::plugin {

namespace {

/// Why no file is seen: a ConfigMap that the pods mount is not there, or may not be read.
Status check_mounted_maps(ports::KubePort& kube, const observe::Located& located) {
  const auto path = "/spec/template/spec/volumes"_json_pointer;
  const Json volumes = located.workload.contains(path) ? located.workload.at(path) : Json::array();
  for (const Json& volume : volumes) {
    const std::string name = text_at(volume, "/configMap/name");
    if (!name.empty()) {
      KREDIS_CHECK(kube.get({{"v1", "configmaps"}, located.namespace_, name}));
    }
  }
  return {};
}

}  // namespace

Result<ConfigSource> mounted_config(ports::KubePort& kube, const observe::Located& located) {
  observe::ConfigMaps config_maps(kube, located.namespace_);
  const observe::KeyIn file =
      located.workload.is_null()
          ? observe::KeyIn{}
          : observe::read_process(located.workload, config_maps.surroundings()).config;
  if (file.empty()) {
    KREDIS_CHECK(check_mounted_maps(kube, located));
    return Error::not_found("the pods of cluster " + located.name +
                            " mount no ConfigMap with a redis.conf")
        .with_hint(
            "keep redis.conf in a ConfigMap that the pods mount; kubectl redis create makes one");
  }
  KREDIS_TRY(const Json config_map,
             kube.get({{"v1", "configmaps"}, located.namespace_, file.object}));
  const auto text = Json::json_pointer("/data") / file.key;
  auto config = wire::parse_redis_conf(text_at(config_map, text));
  if (!config) {
    return config.error().while_doing("reading " + file.key + " of ConfigMap " + file.object);
  }
  return ConfigSource{.config_map = file.object, .key = file.key, .config = std::move(*config)};
}

}  // namespace kredis::plugin
