// SPDX-License-Identifier: Apache-2.0
//
// WebSocket frames as bytes; what travels in them is the business of websocket.hpp.
// https://www.rfc-editor.org/rfc/rfc6455#section-5
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"

namespace kredis::kube {

/// Longer frames are refused; an API server sends at most some 32 KiB at a time.
inline constexpr std::size_t k_frame_limit_bytes = 4U << 20U;

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

struct Frame {
  Opcode opcode = Opcode::binary;
  bool is_final = true;
  std::string payload = {};
};

/// Writes one final frame as a client must: masked.
std::string encode_frame(Opcode opcode,
                         std::string_view payload,
                         const std::array<std::uint8_t, 4>& mask);

/// Cuts a stream of bytes from a server into frames.
class FrameDecoder {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }

  /// Takes out the next whole frame; nothing while more bytes are needed.
  /// Errors: protocol (reserved bits, unknown opcode, masked, too long, broken control frame).
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
};

}  // namespace kredis::kube
