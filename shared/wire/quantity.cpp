// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/quantity.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

/// 18 digits times the largest factor (2^60 or 10^18) fits, so nothing below can overflow.
__extension__ using Wide = unsigned __int128;

constexpr int k_most_digits = 18;
constexpr int k_most_places = 30;

/// digits / 10^places, exact.
struct Decimal {
  Wide digits = 0;
  int places = 0;
};

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
  int places;
};

constexpr std::array k_suffixes{
    Suffix{"", 1, 0},
    Suffix{"n", 1, 9},
    Suffix{"u", 1, 6},
    Suffix{"m", 1, 3},
    Suffix{"k", 1'000, 0},
    Suffix{"M", 1'000'000, 0},
    Suffix{"G", 1'000'000'000, 0},
    Suffix{"T", 1'000'000'000'000, 0},
    Suffix{"P", 1'000'000'000'000'000, 0},
    Suffix{"E", 1'000'000'000'000'000'000, 0},
    Suffix{"Ki", 1ULL << 10U, 0},
    Suffix{"Mi", 1ULL << 20U, 0},
    Suffix{"Gi", 1ULL << 30U, 0},
    Suffix{"Ti", 1ULL << 40U, 0},
    Suffix{"Pi", 1ULL << 50U, 0},
    Suffix{"Ei", 1ULL << 60U, 0},
};

constexpr Wide power_of_ten(int exponent) {
  Wide power = 1;
  for (; exponent > 0; --exponent) {
    power *= 10;
  }
  return power;
}

/// Reads "12", "1.5", ".5" or "5.".
std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  bool fraction = false;
  bool any_digit = false;
  int digits = 0;
  for (const char c : text) {
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    any_digit = true;
    digits += decimal.digits == 0 && c == '0' ? 0 : 1;
    decimal.digits = decimal.digits * 10 + static_cast<unsigned>(c - '0');
    decimal.places += fraction ? 1 : 0;
    if (digits > k_most_digits || decimal.places > k_most_digits) {
      return std::nullopt;
    }
  }
  return any_digit ? std::optional{decimal} : std::nullopt;
}

/// Applies "Mi", "k", "e3" or "E-2"; nullopt when it is no such thing.
std::optional<Decimal> with_suffix(Decimal decimal, std::string_view suffix) {
  for (const Suffix& known : k_suffixes) {
    if (suffix == known.text) {
      return Decimal{decimal.digits * known.factor, decimal.places + known.places};
    }
  }
  if (!suffix.starts_with('e') && !suffix.starts_with('E')) {
    return std::nullopt;
  }
  suffix.remove_prefix(suffix.substr(1).starts_with('+') ? 2 : 1);
  const auto exponent = core::to_number<int>(suffix);
  if (!exponent || *exponent > k_most_digits || *exponent < -k_most_digits) {
    return std::nullopt;
  }
  if (*exponent >= 0) {
    return Decimal{decimal.digits * power_of_ten(*exponent), decimal.places};
  }
  return Decimal{decimal.digits, decimal.places - *exponent};
}

Error not_a_quantity(std::string_view text) {
  return Error::invalid_argument(core::quoted(text) + " is not a quantity")
      .with_hint("write a number with a suffix, for example 200M, 1.5Gi or 500m");
}

}  // namespace

std::int64_t Quantity::rounded_up() const noexcept {
  const bool full = whole == std::numeric_limits<std::int64_t>::max();
  return thousandths == 0 || full ? whole : whole + 1;
}

Result<Quantity> parse_quantity(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-')) {
    return Error::invalid_argument(core::quoted(text) + " is negative")
        .with_hint("give an amount above zero, for example 200M");
  }
  rest.remove_prefix(rest.starts_with('+') ? 1 : 0);
  const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789."));
  const auto decimal = parse_decimal(number);
  const auto scaled = decimal ? with_suffix(*decimal, rest.substr(number.size())) : std::nullopt;
  if (!scaled || scaled->places > k_most_places) {
    return not_a_quantity(text);
  }
  constexpr Wide k_thousand = 1000;
  const Wide unit = power_of_ten(scaled->places);
  Wide whole = scaled->digits / unit;
  // Up to the next thousandth, as Kubernetes does with what it cannot keep.
  Wide thousandths = (scaled->digits % unit * k_thousand + unit - 1) / unit;
  whole += thousandths / k_thousand;
  thousandths %= k_thousand;
  if (whole > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
    return Error::invalid_argument(core::quoted(text) + " is too large")
        .with_hint("give at most 8E");
  }
  return Quantity{.whole = static_cast<std::int64_t>(whole),
                  .thousandths = static_cast<std::int32_t>(thousandths)};
}

Result<std::int64_t> parse_byte_quantity(std::string_view text) {
  KREDIS_TRY(const Quantity quantity, parse_quantity(text));
  return quantity.rounded_up();
}

}  // namespace kredis::wire
