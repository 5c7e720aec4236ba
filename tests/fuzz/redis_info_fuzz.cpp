// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either an INFO or CLUSTER INFO answer or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/wire/cluster_info.hpp"
#include "shared/wire/redis_info.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto info = kredis::wire::parse_redis_info(text);
  const auto cluster = kredis::wire::parse_cluster_info(text);
  const bool silent_failure = (!info && info.error().message.empty()) ||
                              (!cluster && cluster.error().message.empty()) ||
                              (info && info->keys < 0);
  return silent_failure ? (std::abort(), 1) : 0;
}
