// SPDX-License-Identifier: Apache-2.0
//
// How what a node runs with differs from a redis.conf, and what it takes to mend that.
// https://redis.io/docs/latest/commands/config-set/
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/wire/redis_conf.hpp"

namespace kredis::wire {

/// One setting as the file wants it: repeated lines are one, as Redis reads them.
struct WantedSetting {
  std::string name = {};
  std::string value = {};  ///< As CONFIG SET takes it.
  int line = 0;            ///< The last one that speaks of it.
};

/// What can be compared, in the order of first appearance. Left out is what no node tells: `user`,
/// `include`, `rename-command`, `loadmodule`.
std::vector<WantedSetting> wanted_settings(const RedisConf& config);

/// The names that wanted_settings leaves out of `config`, each once.
std::vector<std::string> untold_settings(const RedisConf& config);

enum class Mend {
  live,     ///< CONFIG SET does it.
  restart,  ///< Read at the start only.
};

struct Drift {
  std::string name;
  std::string wanted = {};
  std::string found = {};  ///< Empty when the node does not know the setting; see `known`.
  bool known = true;
  Mend mend = Mend::live;
  int line = 0;
};

/// Compares values by what they mean: 1gb is 1073741824, YES is yes, save points and buffer limits
/// are sets. `running` is what CONFIG GET answered for each name of wanted_settings.
std::vector<Drift> drift_of(const RedisConf& config,
                            const std::map<std::string, std::string>& running);

/// Whether a running server takes a new value of `name`, in every version that we know.
Mend mend_of(std::string_view name);

/// Whether the value must not be shown.
bool is_secret_setting(std::string_view name);

}  // namespace kredis::wire
