// SPDX-License-Identifier: Apache-2.0
//
// The throw-away pod of `toolbox`: the cluster's own image beside the cluster. Pure.
#pragma once

#include <string>
#include <vector>

#include "plugin/terminal/session.hpp"
#include "shared/observe/locate.hpp"

namespace kredis::plugin {

/// The label that only toolbox pods have; its value is the pod's name.
inline constexpr const char* k_toolbox_label = "kubectl-redis.dev/toolbox";

struct ToolboxWish {
  std::string pod = {};    ///< Its name.
  std::string image = {};  ///< Empty: the cluster's.
  observe::RedisAccess access = {};
  int port = 6379;
  std::string host = {};  ///< Where redis-cli goes when it is not told.
};

/// The image of the container that runs Redis in the cluster's pods; empty where unknown.
std::string redis_image(const Json& workload);

/// The name under which the cluster's pods are found: its headless Service; empty where unknown.
std::string redis_host(const observe::Located& located);

/// The Pod object. No label of the cluster's selector is on it, and it ends by itself after hours.
Json toolbox_pod(const observe::Located& located, const ToolboxWish& wish);

/// The command for `kubectl exec`: a shell, or `command`, in which redis-cli knows host, TLS and
/// AUTH.
std::vector<std::string> toolbox_command(const std::vector<std::string>& command);

}  // namespace kredis::plugin
