// SPDX-License-Identifier: Apache-2.0
//
// Which slot a key belongs to: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
#pragma once

#include <cstdint>
#include <string_view>

namespace kredis::core {

/// Computes CRC16 with polynomial 0x1021 and initial value 0, as the cluster specification says.
std::uint16_t crc16(std::string_view bytes) noexcept;

/// Returns the part of `key` that is hashed: what is between the first "{" and the next "}" when
/// that is not empty, else the whole key.
std::string_view hash_tag(std::string_view key) noexcept;

/// Returns the slot of `key`, below k_slot_count.
std::uint32_t key_slot(std::string_view key) noexcept;

}  // namespace kredis::core
