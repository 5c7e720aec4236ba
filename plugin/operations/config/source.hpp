// SPDX-License-Identifier: Apache-2.0
//
// Where a cluster's redis.conf is kept: the ConfigMap that its pods mount.
#pragma once

#include <string>

#include "shared/observe/locate.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::plugin {

struct ConfigSource {
  std::string config_map = {};
  std::string key = {};  ///< Of its data, "redis.conf".
  wire::RedisConf config = {};
};

/// Reads it as it is now, which a pod that started before an edit does not run yet.
/// Errors: not_found (the pods mount no ConfigMap with a file *.conf), invalid_argument (the file
/// cannot be read: says the line), those of the server.
Result<ConfigSource> mounted_config(ports::KubePort& kube, const observe::Located& located);

}  // namespace kredis::plugin
