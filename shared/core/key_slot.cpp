// SPDX-License-Identifier: Apache-2.0
#include "shared/core/key_slot.hpp"

#include <array>
#include <cstddef>

#include "shared/core/slot_set.hpp"

namespace kredis::core {
namespace {

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  constexpr std::uint32_t k_polynomial = 0x1021;
  std::array<std::uint16_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ k_polynomial : crc << 1U;
    }
    table[byte] = static_cast<std::uint16_t>(crc & 0xFFFFU);
  }
  return table;
}

constexpr auto k_crc_table = make_crc_table();

}  // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
  std::uint32_t crc = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    crc = ((crc << 8U) & 0xFFFFU) ^ k_crc_table[((crc >> 8U) ^ byte) & 0xFFU];
  }
  return static_cast<std::uint16_t>(crc);
}

std::string_view hash_tag(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) {
    return key;
  }
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) {
    return key;
  }
  return key.substr(open + 1, close - open - 1);
}

std::uint32_t key_slot(std::string_view key) noexcept {
  return crc16(hash_tag(key)) % k_slot_count;
}

}  // namespace kredis::core
