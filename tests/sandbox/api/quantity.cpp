// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace kredis::sandbox::api {
namespace {

constexpr double k_kibi = 1024.0;

constexpr std::array<std::pair<std::string_view, double>, 16> k_suffixes{{
    {"n", 1e-6},
    {"u", 1e-3},
    {"m", 1},
    {"", 1e3},
    {"k", 1e6},
    {"M", 1e9},
    {"G", 1e12},
    {"T", 1e15},
    {"P", 1e18},
    {"E", 1e21},
    {"Ki", 1e3 * k_kibi},
    {"Mi", 1e3 * k_kibi* k_kibi},
    {"Gi", 1e3 * k_kibi* k_kibi* k_kibi},
    {"Ti", 1e3 * k_kibi* k_kibi* k_kibi* k_kibi},
    {"Pi", 1e3 * k_kibi* k_kibi* k_kibi* k_kibi* k_kibi},
    {"Ei", 1e3 * k_kibi* k_kibi* k_kibi* k_kibi* k_kibi* k_kibi},
}};

bool is_whole(double number) { return std::floor(number) == number; }

std::string print(double number) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 0);
  return {text.data(), end.ptr};
}

}  // namespace

std::optional<double> parse_quantity(std::string_view text) {
  double number = 0;
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || !std::isfinite(number)) {
    return std::nullopt;
  }
  const std::string_view suffix(
      parsed.ptr, static_cast<std::size_t>(digits.data() + digits.size() - parsed.ptr));
  for (const auto& [name, factor] : k_suffixes) {
    if (name == suffix) {
      return number * factor;
    }
  }
  return std::nullopt;
}

std::optional<double> parse_quantity(const Json& value) {
  if (value.is_number()) {
    return value.get<double>() * 1e3;
  }
  return value.is_string() ? parse_quantity(std::string_view(value.get_ref<const std::string&>()))
                           : std::nullopt;
}

std::string format_quantity(double thousandths, std::string_view like) {
  if (!is_whole(thousandths / 1e3)) {
    return print(std::ceil(thousandths)) + "m";
  }
  const bool binary = like.ends_with('i');
  for (auto at = k_suffixes.rbegin(); at != k_suffixes.rend(); ++at) {
    const auto& [name, factor] = *at;
    if (factor > 1e3 && name.ends_with('i') == binary && thousandths != 0 &&
        is_whole(thousandths / factor)) {
      return print(thousandths / factor) + std::string(name);
    }
  }
  return print(thousandths / 1e3);
}

}  // namespace kredis::sandbox::api
