// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/http.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::kube {
namespace {

/// Decodes `text` handed over `step` bytes at a time.
Result<std::string> decode(const std::string& text, std::size_t step) {
  ChunkDecoder decoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string piece = text.substr(at, step);
    KREDIS_TRY(const std::size_t used, decoder.feed(piece, out));
    if (used < piece.size()) {
      return out + "|rest=" + piece.substr(used);
    }
  }
  return out + (decoder.is_finished() ? "|end" : "|open");
}

}  // namespace

TEST_SUITE("kube/http") {
  TEST_CASE("chunks are put together however they are cut") {
    const std::string text =
        "4\r\nWiki\r\n6;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n"
        "Trailer: x\r\n\r\n";
    for (std::size_t step = 1; step <= text.size(); ++step) {
      CAPTURE(step);
      CHECK(decode(text, step).value_or("error") == "Wikipedia in \r\n\r\nchunks.|end");
    }
  }

  TEST_CASE("bytes after the last chunk are left alone") {
    CHECK(decode("0\r\n\r\nHTTP/1.1", 100).value_or("error") == "|rest=HTTP/1.1");
  }

  TEST_CASE("a chunk without a proper size or end is refused") {
    for (const char* bad :
         {"x\r\n", "\r\n", "-1\r\n", "1x\r\n", "2\r\nabc\r\n", "1000000000000000\r\n"}) {
      CAPTURE(bad);
      CHECK_FALSE(decode(bad, 1).has_value());
    }
    CHECK(decode("fffffffffffffff\r\n", 100).has_value());  // Fifteen digits: the last allowed.
    CHECK_FALSE(decode("1;" + std::string(5000, 'a'), 100).has_value());
  }

  TEST_CASE("parse_http_head reads status and headers without regard to case") {
    const auto head = parse_http_head(
        "HTTP/1.1 429 Too Many\r\nRetry-After:  3 \r\nWarning: a\r\n"
        "warning: b");
    REQUIRE(head.has_value());
    CHECK(head->status == 429);
    CHECK(head->header("retry-after") == "3");
    CHECK(head->all("Warning") == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(head->header("absent").has_value());
  }

  TEST_CASE("parse_http_head refuses other protocols and says what came instead") {
    for (const char* bad : {"SSH-2.0-OpenSSH_9.2",
                            "",
                            "HTTP/2 200 OK",
                            "HTTP/1.",
                            "HTTP/1.1",
                            "HTTP/1.1 20",
                            "HTTP/1.1 abc OK",
                            "HTTP/1.1 099 X",
                            "HTTP/1.1 200 OK\r\nno colon"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_http_head(bad).has_value());
    }
    CHECK(parse_http_head("HTTP/1.1 200").has_value());  // The shortest there is.
    CHECK(parse_http_head("SSH-2.0-OpenSSH_9.2").error().message.find("SSH-2.0") !=
          std::string::npos);
  }

  TEST_CASE("a request has a length exactly when it has a body") {
    const HttpRequest get{.method = "GET", .target = "/a", .headers = {{"Host", "h"}}};
    CHECK(get.to_text() == "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    const HttpRequest post{.method = "POST", .target = "/a", .body = "{}"};
    CHECK(post.to_text() == "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
  }
}

}  // namespace kredis::kube
