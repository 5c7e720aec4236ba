// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/memory.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "shared/core/text.hpp"
#include "shared/wire/quantity.hpp"

namespace kredis::policy {

std::optional<std::int64_t> redis_bytes(std::string_view text) {
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
  const Json& limit = member(subject.container(), {"resources", "limits", "memory"});
  if (limit.is_number_integer()) {
    return number(limit);
  }
  const auto bytes = wire::parse_byte_quantity(text(limit));
  return bytes ? std::optional(*bytes) : std::nullopt;
}

std::optional<std::int64_t> max_memory(const Subject& subject) {
  const auto setting = subject.setting("maxmemory");
  const auto bytes = setting ? redis_bytes(setting->first()) : std::nullopt;
  return bytes && *bytes > 0 ? bytes : std::nullopt;
}

}  // namespace kredis::policy
