// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes quantities: "200M", "100Mi", "1e3", "100m".
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "shared/core/result.hpp"

namespace kredis::wire {

/// An amount, exact to a thousandth as Kubernetes keeps it.
struct Quantity {
  std::int64_t whole = 0;
  std::int32_t thousandths = 0;  ///< 0 to 999.

  /// Rounds up, as Kubernetes does where it needs a whole number.
  std::int64_t rounded_up() const noexcept;
  bool is_zero() const noexcept { return whole == 0 && thousandths == 0; }
  friend auto operator<=>(const Quantity&, const Quantity&) = default;
};

/// Reads a quantity that is not negative.
/// Errors: invalid_argument, quoting the text, when it is none, is negative or does not fit 63
/// bits.
Result<Quantity> parse_quantity(std::string_view text);

/// Reads an amount of memory or storage. Units: bytes. Errors: as parse_quantity.
Result<std::int64_t> parse_byte_quantity(std::string_view text);

}  // namespace kredis::wire
