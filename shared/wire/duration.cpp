// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/duration.hpp"

#include <charconv>
#include <string>

namespace kredis::wire {
namespace {

constexpr std::int64_t k_longest_ms = 1'000LL * 3'600 * 1'000;

Error not_a_duration(std::string_view text) {
  return Error::invalid_argument("\"" + std::string(text.substr(0, 40)) + "\" is not a duration")
      .with_hint("write it like 30s, 5m or 1h30m");
}

/// Takes the unit off the front of `text`; 0 when there is none that is known.
std::int64_t take_unit_ms(std::string_view& text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  for (const Unit& unit :
       {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}}) {
    if (text.substr(0, unit.name.size()) == unit.name) {
      text.remove_prefix(unit.name.size());
      return unit.ms;
    }
  }
  return 0;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total_ms = 0;
  if (rest.empty()) {
    return not_a_duration(text);
  }
  while (!rest.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || number < 0 || number > k_longest_ms) {
      return not_a_duration(text);
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const bool plain_seconds = rest.empty() && end == text.data() + text.size() && total_ms == 0;
    const std::int64_t unit_ms = plain_seconds ? 1'000 : take_unit_ms(rest);
    if (unit_ms == 0) {
      return not_a_duration(text);
    }
    total_ms += number * unit_ms;
    if (total_ms > k_longest_ms) {
      return not_a_duration(text);
    }
  }
  return std::chrono::milliseconds(total_ms);
}

}  // namespace kredis::wire
