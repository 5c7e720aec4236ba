// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/memory.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "shared/core/text.hpp"
#include "shared/wire/quantity.hpp"

namespace kredis::policy {
namespace {

std::optional<std::int64_t> memory_in(const Subject& subject, std::string_view part) {
  const Json& amount = member(subject.container(), {"resources", part, "memory"});
  // A quantity in YAML may be a bare number of bytes, and the API server takes it.
  if (amount.is_number_integer()) {
    return number(amount);
  }
  const auto bytes = wire::parse_byte_quantity(text(amount));
  return bytes ? std::optional(*bytes) : std::nullopt;
}

}  // namespace

/// Not Kubernetes' quantities: 1g is 10^9 bytes here as there, but 1gb is 2^30, and Gi is unknown.
std::optional<std::int64_t> redis_bytes(std::string_view text) {
  // As memtoull() in Redis's util.c, which does not look at the case.
  struct Unit {
    std::string_view name;
    std::int64_t bytes;
  };
  constexpr std::array<Unit, 8> units{{{"", 1},
                                       {"b", 1},
                                       {"k", 1'000},
                                       {"kb", 1LL << 10},
                                       {"m", 1'000'000},
                                       {"mb", 1LL << 20},
                                       {"g", 1'000'000'000},
                                       {"gb", 1LL << 30}}};
  const std::string lower = core::to_lower(text);
  const std::size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
  const auto amount = core::to_number<std::int64_t>(lower.substr(0, digits));
  const auto* const unit =
      std::ranges::find(units, std::string_view(lower).substr(digits), &Unit::name);
  constexpr std::int64_t k_most = 1LL << 60U;  // So that twice as much can be said.
  if (!amount || unit == units.end() || *amount > k_most / unit->bytes) {
    return std::nullopt;
  }
  return *amount * unit->bytes;
}

std::optional<std::int64_t> memory_limit(const Subject& subject) {
  return memory_in(subject, "limits");
}

std::optional<std::int64_t> memory_request(const Subject& subject) {
  return memory_in(subject, "requests");
}

std::optional<std::int64_t> max_memory(const Subject& subject) {
  const auto setting = subject.setting("maxmemory");
  const auto bytes = setting && setting->known ? redis_bytes(setting->first()) : std::nullopt;
  // 0, the default, means no limit (redis.conf, maxmemory).
  return bytes && *bytes > 0 ? bytes : std::nullopt;
}

}  // namespace kredis::policy
