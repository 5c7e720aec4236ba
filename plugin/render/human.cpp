// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/human.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>

namespace kredis::plugin {

std::string human_bytes(std::int64_t bytes) {
  static constexpr std::array k_units{"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < k_units.size()) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{}", bytes) : fmt::format("{:.1f}{}", amount, k_units[unit]);
}

std::string human_age(std::int64_t seconds) {
  if (seconds < 120) {
    return fmt::format("{}s", seconds);
  }
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) {
    return seconds % 60 == 0 ? fmt::format("{}m", minutes)
                             : fmt::format("{}m{}s", minutes, seconds % 60);
  }
  if (minutes < 180) {
    return fmt::format("{}m", minutes);
  }
  const std::int64_t hours = minutes / 60;
  if (hours < 8) {
    return minutes % 60 == 0 ? fmt::format("{}h", hours)
                             : fmt::format("{}h{}m", hours, minutes % 60);
  }
  return hours < 48 ? fmt::format("{}h", hours) : fmt::format("{}d", hours / 24);
}

std::string human_count(std::int64_t number) {
  std::string digits = std::to_string(std::llabs(number));
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return number < 0 ? "-" + digits : digits;
}

}  // namespace kredis::plugin
