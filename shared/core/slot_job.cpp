// SPDX-License-Identifier: Apache-2.0
#include "shared/core/slot_job.hpp"

#include <utility>

#include "shared/core/text.hpp"

namespace kredis::core {

std::optional<JobEnd> job_end(const ServerInfo& server) {
  constexpr Version k_valkey{.major = 9, .minor = 0};
  constexpr Version k_redis{.major = 8, .minor = 4};
  const auto version = version_of(server);
  if (!version) {
    return std::nullopt;
  }
  if (server.server == "valkey") {
    return *version >= k_valkey ? std::optional(JobEnd::source) : std::nullopt;
  }
  return server.server == "redis" && *version >= k_redis ? std::optional(JobEnd::target)
                                                         : std::nullopt;
}

}  // namespace kredis::core
