// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/websocket_frame.hpp"

namespace kredis::kube {
namespace {

constexpr std::uint8_t k_final_bit = 0x80;
constexpr std::uint8_t k_mask_bit = 0x80;
constexpr std::uint8_t k_reserved_bits = 0x70;
constexpr std::size_t k_short_limit = 125;  // The largest length that fits the second byte.
constexpr std::uint8_t k_two_bytes = 126;
constexpr std::uint8_t k_eight_bytes = 127;

void append_number(std::string& out, std::uint64_t number, unsigned bytes) {
  for (unsigned i = bytes; i > 0; --i) {
    out += static_cast<char>(number >> (8U * (i - 1)) & 0xFFU);
  }
}

Error broken(const std::string& what) {
  return Error::protocol("the API server sent a broken WebSocket frame: " + what);
}

bool is_control(std::uint8_t opcode) { return (opcode & 0x8U) != 0; }

Status check_head(std::uint8_t first, std::uint8_t second) {
  const std::uint8_t opcode = first & 0x0FU;
  if ((first & k_reserved_bits) != 0) {
    return broken("reserved bits are set");
  }
  if ((opcode > 0x2 && opcode < 0x8) || opcode > 0xA) {
    return broken("unknown opcode " + std::to_string(opcode));
  }
  if ((second & k_mask_bit) != 0) {
    return broken("it is masked");
  }
  if (is_control(opcode) && ((first & k_final_bit) == 0 || (second & 0x7FU) > k_short_limit)) {
    return broken("a control frame is fragmented or too long");
  }
  return {};
}

}  // namespace

std::string encode_frame(Opcode opcode,
                         std::string_view payload,
                         const std::array<std::uint8_t, 4>& mask) {
  std::string out;
  out.reserve(payload.size() + 14);
  out += static_cast<char>(k_final_bit | static_cast<std::uint8_t>(opcode));
  if (payload.size() <= k_short_limit) {
    out += static_cast<char>(k_mask_bit | payload.size());
  } else if (payload.size() <= 0xFFFF) {
    out += static_cast<char>(k_mask_bit | k_two_bytes);
    append_number(out, payload.size(), 2);
  } else {
    out += static_cast<char>(k_mask_bit | k_eight_bytes);
    append_number(out, payload.size(), 8);
  }
  for (const std::uint8_t byte : mask) {
    out += static_cast<char>(byte);
  }
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ mask[i % 4]);
  }
  return out;
}

Result<std::optional<Frame>> FrameDecoder::next() {
  const auto byte = [this](std::size_t at) { return static_cast<std::uint8_t>(buffer_[at]); };
  if (buffer_.size() < 2) {
    return std::optional<Frame>();
  }
  KREDIS_CHECK(check_head(byte(0), byte(1)));
  std::uint64_t size = byte(1) & 0x7FU;
  const std::size_t more = size == k_eight_bytes ? 8 : (size == k_two_bytes ? 2 : 0);
  if (buffer_.size() < 2 + more) {
    return std::optional<Frame>();
  }
  if (more > 0) {
    size = 0;
    for (std::size_t i = 0; i < more; ++i) {
      size = size << 8U | byte(2 + i);
    }
  }
  if (size > k_frame_limit_bytes) {
    return broken("it is longer than " + std::to_string(k_frame_limit_bytes) + " bytes");
  }
  if (buffer_.size() < 2 + more + size) {
    return std::optional<Frame>();
  }
  Frame frame{.opcode = static_cast<Opcode>(byte(0) & 0x0FU),
              .is_final = (byte(0) & k_final_bit) != 0,
              .payload = buffer_.substr(2 + more, static_cast<std::size_t>(size))};
  buffer_.erase(0, 2 + more + static_cast<std::size_t>(size));
  return std::optional<Frame>(std::move(frame));
}

}  // namespace kredis::kube
