// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/encoding.hpp"

#include <doctest/doctest.h>

#include <string>

#include "shared/kube/url.hpp"

namespace kredis::kube {

TEST_SUITE("kube/encoding") {
  TEST_CASE("base64 agrees with the examples of RFC 4648 in both directions") {
    struct Row {
      std::string plain;
      std::string encoded;
    };
    for (const Row& row : {Row{"", ""},
                           Row{"f", "Zg=="},
                           Row{"fo", "Zm8="},
                           Row{"foo", "Zm9v"},
                           Row{"foob", "Zm9vYg=="},
                           Row{"foobar", "Zm9vYmFy"},
                           Row{std::string("\0\xff\x80", 3), "AP+A"}}) {
      CAPTURE(row.encoded);
      CHECK(base64_encode(row.plain) == row.encoded);
      CHECK(base64_decode(row.encoded) == row.plain);
    }
  }

  TEST_CASE("base64 ignores line ends and refuses everything else") {
    CHECK(base64_decode("Zm9v\nYmFy\r\n") == "foobar");
    for (const char* bad : {"Z", "Zg", "Zg=", "Zm9v!", "=Zg=", "Zg==Zg==", "Zm8==", "===="}) {
      CAPTURE(bad);
      CHECK_FALSE(base64_decode(bad).has_value());
    }
  }

  TEST_CASE("percent encoding keeps only what needs no escape and can be undone") {
    CHECK(percent_encode("app=redis,x in (a b)/%") == "app%3Dredis%2Cx%20in%20%28a%20b%29%2F%25");
    CHECK(percent_decode("a%20b%2f") == "a b/");
    CHECK_FALSE(percent_decode("%2").has_value());
    CHECK_FALSE(percent_decode("%zz").has_value());
  }

  TEST_CASE("printable makes foreign text one short line") {
    CHECK(printable(" a\nb\x1b[31m \n", 20) == "a b [31m");
    CHECK(printable("abcdef", 3) == "abc...");
  }
}

TEST_SUITE("kube/url") {
  TEST_CASE("parse_url reads every part and knows the usual ports") {
    const auto url = parse_url("https://user:p%40ss@[fd00::1]:6443/k8s/clusters/c-1/", "http");
    REQUIRE(url.has_value());
    CHECK(url->scheme == "https");
    CHECK(url->host == "fd00::1");
    CHECK(url->port == 6443);
    CHECK(url->path == "/k8s/clusters/c-1");
    CHECK(url->user_info == "user:p@ss");
    CHECK(url->to_text() == "https://[fd00::1]:6443/k8s/clusters/c-1");
    CHECK(parse_url("kube.example", "https")->port == 443);
    CHECK(parse_url("kube.example:8080", "http")->to_text() == "http://kube.example:8080");
    CHECK(parse_url("https://kube", "http")->authority() == "kube:443");
  }

  TEST_CASE("parse_url refuses what is no address and does not show a password") {
    for (const char* bad : {"",
                            "https://",
                            "https://host:0",
                            "https://host:65536",
                            "https://host:x",
                            "https://[::1",
                            "https://a b",
                            "https://host/a?b",
                            "https://h\r\nX: y"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_url(bad, "https").has_value());
    }
    const auto secret = parse_url("https://user:secret@host:bad", "https");
    REQUIRE_FALSE(secret.has_value());
    CHECK(secret.error().message.find("secret") == std::string::npos);
  }

  TEST_CASE("proxy_for leaves out what NO_PROXY and common sense name") {
    const std::string proxy = "http://proxy:3128";
    CHECK(proxy_for("https://kube.example:6443", proxy, "") == proxy);
    CHECK(proxy_for("https://kube.example:6443", proxy, "other, .example").empty());
    CHECK(proxy_for("https://kube.example:6443", proxy, "example").empty());
    CHECK(proxy_for("https://kube.example:6443", proxy, "ample") == proxy);
    CHECK(proxy_for("https://kube.example:6443", proxy, "*").empty());
    CHECK(proxy_for("https://127.0.0.1:6443", proxy, "").empty());
    CHECK(proxy_for("http://kube.example:80", proxy, "").empty());
    CHECK(proxy_for("https://kube.example", "", "").empty());
  }
}

}  // namespace kredis::kube
