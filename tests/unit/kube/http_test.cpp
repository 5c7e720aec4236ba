// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/http.hpp"

#include <doctest/doctest.h>

#include <string>

namespace kredis::kube {
namespace {

const std::string k_chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Reads `text`, handed over `step` bytes at a time, and writes what came of it.
std::string read(const std::string& text,
                 std::size_t step = 1'000'000,
                 const std::string& method = "GET") {
  HttpReader reader(method);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (const auto fed = reader.feed(std::string_view(text).substr(at, step)); !fed) {
      return "error: " + fed.error().message;
    }
    out += reader.take_body();
  }
  out = std::to_string(reader.has_head() ? reader.head().status : 0) + "|" + out;
  return out + (reader.is_finished() ? "|end" : "|open") + (reader.has_rest() ? "|rest" : "") +
         (reader.has_head() && reader.keeps_alive() ? "|kept" : "");
}

/// How it ends when the connection does after `text`.
std::string read_to_end(const std::string& text) {
  HttpReader reader("GET");
  if (const auto fed = reader.feed(text); !fed) {
    return fed.error().message;
  }
  const auto ended = reader.end();
  return ended ? reader.take_body() : ended.error().message;
}

}  // namespace

TEST_SUITE("kube/http") {
  TEST_CASE("chunks are put together however they are cut") {
    const std::string text =
        k_chunked +
        "4\r\nWiki\r\n6;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n"
        "Trailer: x\r\n\r\n";
    for (std::size_t step = 1; step <= text.size(); ++step) {
      CAPTURE(step);
      CHECK(read(text, step) == "200|Wikipedia in \r\n\r\nchunks.|end|kept");
    }
  }

  TEST_CASE("a length, an end of the connection or neither bounds the body") {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    CHECK(read(ok + "Content-Length: 2\r\n\r\nab", 1) == "200|ab|end|kept");
    CHECK(read(ok + "Content-Length: 0\r\n\r\n") == "200||end|kept");
    CHECK(read(ok + "Content-Length: 2\r\n\r\na") == "200|a|open");
    CHECK(read(ok + "\r\nab") == "200|ab|open");
    CHECK(read("HTTP/1.1 204 No\r\n\r\n") == "204||end|kept");
    CHECK(read("HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n") == "304||end|kept");
    CHECK(read(ok + "Content-Length: 9\r\n\r\n", 1, "HEAD") == "200||end|kept");
    CHECK(read(ok + "Content-Length: 9\r\n\r\n", 1, "CONNECT") == "200||end|kept");
    CHECK(read_to_end(ok + "\r\nab") == "ab");
    CHECK(has(read_to_end(ok + "Content-Length: 3\r\n\r\nab"), "in the middle of its answer"));
    CHECK(has(read_to_end(k_chunked + "4\r\nab"), "in the middle of its answer"));
    CHECK(has(read_to_end(k_chunked), "in the middle of its answer"));
    CHECK(has(read_to_end(""), "closed the connection unanswered"));
    CHECK(has(read_to_end("HTTP/1.1 200 OK\r\nA: b\r\n"), "does not answer in HTTP"));
  }

  TEST_CASE("who wants no further request, or sent too much, is not asked again") {
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n";
    CHECK(read(ok + "Connection: close\r\n\r\na") == "200|a|end");
    CHECK(read("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na") == "200|a|end");
    CHECK(read(ok + "\r\naHTTP/1.1") == "200|a|end|rest");
    CHECK(read(k_chunked + "0\r\n\r\nHTTP/1.1") == "200||end|rest");
  }

  TEST_CASE("answers on the way are passed over, and an upgrade ends HTTP") {
    const std::string on_the_way = "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n";
    const std::string last = "HTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\na";
    CHECK(read(on_the_way + last, 1) == "201|a|end|kept");
    CHECK(read(on_the_way + last) == "201|a|end|kept");
    CHECK(read("HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n\x82") == "101||end|rest");
  }

  TEST_CASE("a chunk without a proper size or end is refused") {
    for (const char* bad : {"x\r\n",
                            "\r\n\r\n",
                            "-1\r\n\r\n",
                            "1x\r\n",
                            "2\r\nabc\r\n1\r\n",
                            "10000000000000000\r\n"}) {
      CAPTURE(bad);
      CHECK(has(read(k_chunked + bad, 1), "answer is broken"));
    }
    CHECK(read(k_chunked + "ffffffffffffffff\r\n") == "200||open");  // The last that is a number.
  }

  TEST_CASE("what has no end is cut off at the limit") {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string field = "A: " + std::string(1'000, 'a') + "\r\n";
    std::string many = ok;
    while (many.size() <= k_http_head_limit_bytes + 5'000) {
      many += field;
    }
    CHECK(has(read(many), "too long a head"));
    CHECK(has(read(many, field.size()), "too long a head"));  // Beast's own count begins anew.
    CHECK(has(read(ok + "A: " + std::string(k_http_head_limit_bytes, 'a'), 4'000),
              "too long a head"));
    CHECK(has(read("HTTP/1.1 200 " + std::string(k_http_head_limit_bytes, 'a'), 4'000),
              "too long a head"));
    CHECK(has(read(k_chunked + "1;" + std::string(k_http_head_limit_bytes, 'a'), 4'000),
              "too long a head"));
    CHECK(has(read(many.substr(0, 20'000), 4'000, "CONNECT"), "too long a head"));
    CHECK(read(many.substr(0, 20'000), 4'000) == "0||open");
  }

  TEST_CASE("the head is read without regard to case") {
    HttpReader reader("GET");
    REQUIRE(
        reader.feed("HTTP/1.1 429 Too Many\r\nRetry-After:  3 \r\nWarning: a\r\nwarning: b\r\n\r\n")
            .has_value());
    REQUIRE(reader.has_head());
    CHECK(reader.head().status == 429);
    CHECK(reader.head().reason == "Too Many");
    CHECK(reader.head().header("retry-after") == "3");
    CHECK(reader.head().all("Warning") == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(reader.head().header("absent").has_value());
  }

  TEST_CASE("other protocols are refused, and what came instead is said") {
    for (const char* bad : {"SSH-2.0-OpenSSH_9.2",
                            "HTTP/2 200 OK",
                            "HTTP/1.2 200 OK\r\n",
                            "HTTP/1.1\r\n",
                            "HTTP/1.1 20\r\n",
                            "HTTP/1.1 abc OK",
                            "HTTP/1.1 099 X\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                            "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"}) {
      CAPTURE(bad);
      CHECK(has(read(std::string(bad) + "\r\n"), "does not answer in HTTP"));
    }
    CHECK(has(read("SSH-2.0-OpenSSH_9.2\r\n"), "SSH-2.0"));
    CHECK(has(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), "answer is broken"));
  }

  TEST_CASE("a request has a length exactly when it has a body") {
    const HttpRequest get{.method = "GET", .target = "/a", .headers = {{"Host", "h"}}};
    CHECK(get.to_text() == "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    const HttpRequest post{.method = "POST", .target = "/a", .body = "{}"};
    CHECK(post.to_text() == "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
  }
}

}  // namespace kredis::kube
