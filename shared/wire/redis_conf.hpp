// SPDX-License-Identifier: Apache-2.0
//
// redis.conf: read as Redis reads it, written back, and judged before it reaches a cluster.
// https://redis.io/docs/latest/operate/oss_and_stack/management/config/
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::wire {

/// Units: bytes. A larger file is refused: a ConfigMap could not hold it.
inline constexpr std::size_t k_config_limit_bytes = std::size_t{1} << 20;

/// One line that says something: "save 3600 1" is the name "save" and two arguments.
struct RedisDirective {
  std::string name;  ///< In lower case, as Redis compares it.
  std::vector<std::string> arguments;
  int line = 0;  ///< From 1; 0 when it came from --set.
  friend bool operator==(const RedisDirective&, const RedisDirective&) = default;
};

/// All directives in file order; repeated ones stay, Redis adds some of them up.
struct RedisConf {
  std::vector<RedisDirective> directives;
};

/// What a cluster decides itself, so that a user's file may not contradict it.
struct ConfigRules {
  int port = 6379;  ///< What `port` must be; 0 when only TLS is served.
  std::string data_dir = "/var/lib/redis";
  bool has_password = false;
};

/// Reads a file: comments, quotes and escapes as Redis does. `include` is kept, not followed.
/// Errors: invalid_argument (binary, over 1 MiB, unbalanced quotes), with the line.
Result<RedisConf> parse_redis_conf(std::string_view text);

/// Reads KEY=VALUE of --set; the value may hold several words, quoted as in a file.
/// Errors: invalid_argument (no key, a line end, unbalanced quotes).
Result<RedisDirective> parse_setting(std::string_view key, std::string_view value);

/// Writes directives so that parse_redis_conf reads the same again; comments are gone.
std::string render_redis_conf(const RedisConf& config);

/// Everything that a user may not set or set so, in file order: unknown keys, values of the wrong
/// type, and what would break the cluster; at most the first 100. Empty when the file may be used.
/// Each is an invalid_argument with the line or --set, the value found, why, and what to do.
std::vector<core::Error> check_user_config(const RedisConf& config, const ConfigRules& rules);

}  // namespace kredis::wire
