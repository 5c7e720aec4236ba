// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/duration.hpp"

#include <charconv>
#include <string>

namespace kredis::wire {
namespace {

constexpr std::int64_t k_longest_us = 1'000LL * 3'600 * 1'000'000;

Error not_a_duration(std::string_view text) {
  return Error::invalid_argument("\"" + std::string(text.substr(0, 40)) + "\" is not a duration")
      .with_hint("write it like 30s, 5m or 1h30m");
}

/// Takes the unit off the front of `text`; 0 when there is none that is known.
std::int64_t take_unit_us(std::string_view& text) {
  struct Unit {
    std::string_view name;
    std::int64_t us;
  };
  for (const Unit& unit : {Unit{"us", 1},
                           Unit{"ms", 1'000},
                           Unit{"s", 1'000'000},
                           Unit{"m", 60'000'000},
                           Unit{"h", 3'600'000'000}}) {
    if (text.substr(0, unit.name.size()) == unit.name) {
      text.remove_prefix(unit.name.size());
      return unit.us;
    }
  }
  return 0;
}

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total_us = 0;
  if (rest.empty()) {
    return not_a_duration(text);
  }
  while (!rest.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || number < 0) {
      return not_a_duration(text);
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const bool plain_seconds = rest.empty() && end == text.data() + text.size() && total_us == 0;
    const std::int64_t unit_us = plain_seconds ? 1'000'000 : take_unit_us(rest);
    if (unit_us == 0 || number > k_longest_us / unit_us) {
      return not_a_duration(text);
    }
    total_us += number * unit_us;
    if (total_us > k_longest_us) {
      return not_a_duration(text);
    }
  }
  return std::chrono::microseconds(total_us);
}

}  // namespace kredis::wire
