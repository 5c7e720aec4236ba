// SPDX-License-Identifier: Apache-2.0
//
// Amounts of memory as redis.conf and Kubernetes write them. For the files of this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/policy/subject.hpp"

namespace kredis::policy {

/// Reads "100mb" as Redis does: powers of 1024 with a "b" at the end, of 1000 without.
std::optional<std::int64_t> redis_bytes(std::string_view text);

/// The container's memory limit, and what it asks the scheduler for. Units: bytes.
std::optional<std::int64_t> memory_limit(const Subject& subject);
std::optional<std::int64_t> memory_request(const Subject& subject);

/// maxmemory, where it is set and not 0. Units: bytes.
std::optional<std::int64_t> max_memory(const Subject& subject);

}  // namespace kredis::policy
