// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/websocket_frames.hpp"

#include <doctest/doctest.h>

namespace kredis::sandbox {
namespace {

/// A client's frame: masked, which turns the server's form into it.
std::string masked(WebSocketOpcode opcode, std::string payload, bool final = true) {
  std::string frame = websocket_frame(opcode, payload);
  const std::size_t payload_at = frame.size() - payload.size();
  frame[1] = static_cast<char>(frame[1] | '\x80');
  if (!final) {
    frame[0] = static_cast<char>(frame[0] & '\x7f');
  }
  const std::string mask = "\x01\x02\x03\x04";
  for (std::size_t at = 0; at < payload.size(); ++at) {
    frame[payload_at + at] = static_cast<char>(payload[at] ^ mask[at % 4]);
  }
  return frame.insert(payload_at, mask);
}

TEST_SUITE("sandbox/node/websocket_frames") {
  TEST_CASE("the handshake's answer is the one in the protocol's own example") {
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  }

  TEST_CASE("messages of every form of length are read back") {
    for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 65'535UL, 65'536UL}) {
      CAPTURE(size);
      WebSocketParser parser;
      parser.feed(masked(WebSocketOpcode::binary, std::string(size, 'x')));
      CHECK(parser.has_frame());
      const auto message = parser.next();
      REQUIRE(message.has_value());
      REQUIRE(message->has_value());
      CHECK((*message)->payload == std::string(size, 'x'));
      CHECK_FALSE(parser.has_frame());
    }
  }

  TEST_CASE("fragments become one message, with a ping between them passed on first") {
    WebSocketParser parser;
    parser.feed(masked(WebSocketOpcode::binary, "abc", false) + masked(WebSocketOpcode::ping, "?") +
                masked(WebSocketOpcode::continuation, "def"));
    CHECK((*parser.next())->opcode == WebSocketOpcode::ping);
    const auto message = *parser.next();
    CHECK(message->opcode == WebSocketOpcode::binary);
    CHECK(message->payload == "abcdef");
  }

  TEST_CASE("a frame without a mask, or one byte too long, is refused") {
    WebSocketParser plain;
    plain.feed(websocket_frame(WebSocketOpcode::binary, "abc"));
    CHECK(plain.next().error().code == ErrorCode::protocol);

    const auto header_of = [](std::size_t size) {
      return masked(WebSocketOpcode::binary, std::string(size, 'x')).substr(0, 14);
    };
    WebSocketParser longest;
    longest.feed(header_of(k_longest_websocket_message));
    CHECK(longest.next().has_value());
    WebSocketParser longer;
    longer.feed(header_of(k_longest_websocket_message + 1));
    CHECK(longer.next().error().code == ErrorCode::protocol);
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
