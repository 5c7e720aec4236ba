// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a configuration that survives writing and reading, or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/wire/redis_conf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kredis::wire::parse_redis_conf;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_redis_conf(text);
  if (!config) {
    if (config.error().message.empty() || config.error().hint.empty()) {
      std::abort();
    }
    return 0;
  }
  for (const auto& error : kredis::wire::check_user_config(*config, {})) {
    if (error.message.empty() || error.hint.empty()) {
      std::abort();
    }
  }
  const auto again = parse_redis_conf(kredis::wire::render_redis_conf(*config));
  if (!again) {
    // Escapes make a text longer; past the limit it is refused, and rightly.
    return size * 4 > kredis::wire::k_config_limit_bytes ? 0 : (std::abort(), 1);
  }
  if (again->directives.size() != config->directives.size()) {
    std::abort();
  }
  for (std::size_t i = 0; i < again->directives.size(); ++i) {
    if (again->directives[i].name != config->directives[i].name ||
        again->directives[i].arguments != config->directives[i].arguments) {
      std::abort();
    }
  }
  return 0;
}
