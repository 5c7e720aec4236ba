// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either an amount that is not negative or one clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/wire/quantity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto quantity = kredis::wire::parse_quantity(text);
  const bool wrong = quantity ? quantity->whole < 0 || quantity->thousandths < 0 ||
                                    quantity->thousandths > 999 || quantity->rounded_up() < 0
                              : quantity.error().hint.empty();
  return wrong ? (std::abort(), 1) : 0;
}
