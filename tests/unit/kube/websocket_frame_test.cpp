// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/websocket_frame.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::kube {
namespace {

/// What a server would send: the same frame without its mask.
std::string server_frame(Opcode opcode, const std::string& payload) {
  std::string frame = encode_frame(opcode, payload, {0, 0, 0, 0});
  frame[1] = static_cast<char>(frame[1] & 0x7f);
  const std::size_t length_bytes = payload.size() < 126 ? 0 : (payload.size() < 65'536 ? 2 : 8);
  frame.erase(2 + length_bytes, 4);
  return frame;
}

std::string error_of(const std::string& bytes) {
  FrameDecoder decoder;
  decoder.feed(bytes);
  const auto frame = decoder.next();
  return frame ? "" : frame.error().message;
}

}  // namespace

TEST_SUITE("kube/websocket_frame") {
  TEST_CASE("encode_frame masks the payload as RFC 6455 shows it") {
    const std::string expected("\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    CHECK(encode_frame(Opcode::binary, "Hello", {0x37, 0xfa, 0x21, 0x3d}) == expected);
  }

  TEST_CASE("frames of every length encoding come back whole, however they are cut") {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
      CAPTURE(size);
      const std::string payload(size, 'x');
      const std::string bytes = server_frame(Opcode::binary, payload);
      FrameDecoder decoder;
      for (std::size_t at = 0; at + 1 < bytes.size(); at += 1000) {
        decoder.feed(
            std::string_view(bytes).substr(at, std::min<std::size_t>(1000, bytes.size() - 1 - at)));
        CHECK_FALSE(decoder.next().value().has_value());
      }
      decoder.feed(std::string_view(bytes).substr(bytes.size() - 1));
      const auto frame = decoder.next();
      REQUIRE((frame.has_value() && frame->has_value()));
      CHECK((*frame)->payload == payload);
      CHECK((*frame)->opcode == Opcode::binary);
    }
  }

  TEST_CASE("a frame at the size limit is taken and one byte more is refused by its head") {
    FrameDecoder decoder;
    decoder.feed(server_frame(Opcode::binary, std::string(k_frame_limit_bytes, 'x')));
    CHECK(decoder.next().value().has_value());
    const std::string longer =
        server_frame(Opcode::binary, std::string(k_frame_limit_bytes + 1, 'x'));
    CHECK(error_of(longer.substr(0, 10)).find("longer than") != std::string::npos);
  }

  TEST_CASE("frames that a server must not send are refused") {
    CHECK(error_of("\xC2\x01x").find("reserved bits") != std::string::npos);
    CHECK(error_of("\x83\x01x").find("unknown opcode 3") != std::string::npos);
    CHECK(error_of("\x82\x81x").find("masked") != std::string::npos);
    CHECK(error_of(std::string("\x09\x00", 2)).find("control frame") != std::string::npos);
    CHECK(error_of("\x89\x7e").find("control frame") != std::string::npos);
    CHECK(error_of(std::string("\x88\x00", 2)).empty());
  }
}

}  // namespace kredis::kube
