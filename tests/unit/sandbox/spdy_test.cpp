// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/spdy_frames.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/sandbox/node/spdy_dictionary.hpp"

namespace kredis::sandbox {
namespace {

TEST_SUITE("sandbox/node/spdy_frames") {
  TEST_CASE("the dictionary has the length that the protocol gives it") {
    CHECK(spdy_dictionary().size() == 1423);
  }

  TEST_CASE("frames arrive as they were written, whatever pieces the bytes come in") {
    SpdyWriter writer;
    std::string sent;
    for (const SpdyFrame& frame :
         std::vector<SpdyFrame>{{.type = SpdyFrame::Type::syn_stream,
         .stream = 1,
         .headers = {{"streamtype", "error"}, {"port", "6379"}, {"requestid", "0"}}},
                                {.type = SpdyFrame::Type::syn_stream,
                                .stream = 3,
                                .headers = {{"streamtype", "data"}}},
                                {.stream = 3, .last = true, .data = "PING\r\n"},
                                {.type = SpdyFrame::Type::ping, .stream = 0x80000001U}}) {
      sent += writer.bytes_of(frame);
    }

    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, sent.size()}) {
      CAPTURE(piece);
      SpdyParser parser;
      std::vector<SpdyFrame> frames;
      for (std::size_t at = 0; at < sent.size(); at += piece) {
        parser.feed(std::string_view(sent).substr(at, piece));
        for (auto frame = parser.next(); frame.has_value() && frame->has_value();
             frame = parser.next()) {
          frames.push_back(std::move(**frame));
        }
      }
      REQUIRE(frames.size() == 4);
      CHECK(frames[0].headers ==
            Headers{{"streamtype", "error"}, {"port", "6379"}, {"requestid", "0"}});
      CHECK(frames[1].stream == 3);
      CHECK(frames[1].headers == Headers{{"streamtype", "data"}});
      CHECK(frames[2].data == "PING\r\n");
      CHECK(frames[2].last);
      CHECK(frames[3].type == SpdyFrame::Type::ping);
      CHECK(frames[3].stream == 0x80000001U);
    }
  }

  TEST_CASE("a frame that claims to be too long is refused before it is read") {
    SpdyParser parser;
    parser.feed(std::string("\x00\x00\x00\x01\x00\xff\xff\xff", 8));
    const auto frame = parser.next();
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().code == ErrorCode::protocol);
  }

  TEST_CASE("headers that are not compressed are refused") {
    SpdyParser parser;
    parser.feed(std::string(
        "\x80\x03\x00\x01\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00plain!", 24));
    const auto frame = parser.next();
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().message == "a SPDY header block that cannot be decompressed");
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
