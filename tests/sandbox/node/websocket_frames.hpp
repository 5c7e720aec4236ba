// SPDX-License-Identifier: Apache-2.0
//
// WebSocket frames as a server reads and writes them (RFC 6455, section 5). Pure: bytes in, frames
// out. Apart from shared/kube's on purpose: with one codec at both ends a mistake in it would not
// show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

enum class WebSocketOpcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

struct WebSocketMessage {
  WebSocketOpcode opcode = WebSocketOpcode::binary;
  std::string payload;
};

/// Units: bytes of one message. kubectl sends 32 KiB at most.
inline constexpr std::size_t k_longest_websocket_message = 4 * 1024 * 1024;

/// Puts frames of a client together to messages.
class WebSocketParser {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  /// The next whole message; nothing when more bytes are needed.
  /// Errors: protocol (an unmasked frame, reserved bits, a message that is too long).
  Result<std::optional<WebSocketMessage>> next();
  /// Whether `next` could go on without more bytes.
  bool has_frame() const;

 private:
  std::string buffer_;
  std::string fragments_;
  std::optional<WebSocketOpcode> fragmented_;
};

/// One final, unmasked frame.
std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace kredis::sandbox
