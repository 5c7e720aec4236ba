// SPDX-License-Identifier: Apache-2.0
#include "webhook/review_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace kredis;

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

std::string nested(std::size_t depth) { return repeated("[", depth) + repeated("]", depth); }

std::string problem_of(std::string_view text) {
  const auto read = webhook::read_review(text);
  return read ? "" : read.error().message;
}

}  // namespace

TEST_SUITE("webhook/review_reader") {
  TEST_CASE("read_review reads what JSON is and leaves managedFields out") {
    const auto read = webhook::read_review(
        R"({"a":[1,-2,2.5,"t",true,null,{"b":{}}],"managedFields":[{"x":[{"y":1}]}],"z":{"managedFields":3,"k":"v"}})");

    REQUIRE(read.has_value());
    CHECK(*read == Json::parse(R"({"a":[1,-2,2.5,"t",true,null,{"b":{}}],"z":{"k":"v"}})"));
  }

  TEST_CASE("read_review reads texts and numbers as nlohmann_json does") {
    const std::vector<std::string_view> texts{
        R"(["a\n\"\\\/\u00e9\ud83d\ude00\u0000", "", "\ta\u0041 plain end"])",
        R"({"k\u0065y":1, "\n":2, "plain":3})",
        R"([0, -0, 0.1, -2.5e-3, 1E2, 9223372036854775807, -9223372036854775808])",
        R"([18446744073709551615, 18446744073709551616, -9223372036854775809, 1e-400])",
        R"([3.141592653589793238, 123456789012345678901234567890, 5e-324, 1.7976931348623157e308])",
    };
    for (const std::string_view text : texts) {
      CAPTURE(text);
      const auto read = webhook::read_review(text);
      REQUIRE(read.has_value());
      CHECK(*read == Json::parse(text));
      CHECK(read->dump() == Json::parse(text).dump());
    }
    CHECK(webhook::read_review(R"({"\u006danagedFields":[1]})").value() == Json::object());
  }

  TEST_CASE("read_review refuses a key that is there twice, at any depth") {
    CHECK(problem_of(R"({"a":1,"b":2,"a":3})").find("twice") != std::string::npos);
    CHECK(problem_of(R"([{"a":{"c":1,"c":1}}])").find("twice") != std::string::npos);
    CHECK(problem_of(R"({"a":{"c":1},"b":{"c":1}})").empty());
  }

  TEST_CASE("read_review goes as deep as the limit and not one deeper") {
    CHECK(problem_of(nested(webhook::k_depth_limit)).empty());
    CHECK(problem_of(nested(webhook::k_depth_limit + 1)).find("too deeply") != std::string::npos);
    CHECK(problem_of(repeated("[", 1'000'000)).find("too deeply") != std::string::npos);
    CHECK(problem_of("{\"managedFields\":" + nested(webhook::k_depth_limit)).find("too deeply") !=
          std::string::npos);
  }

  TEST_CASE("read_review takes as many values as the limit and not one more") {
    const auto list = [](std::size_t values) { return "[" + repeated("0,", values - 2) + "0]"; };
    CHECK(problem_of(list(webhook::k_value_limit)).empty());
    CHECK(problem_of(list(webhook::k_value_limit + 1)).find("too many") != std::string::npos);
  }

  TEST_CASE("read_review refuses what is not JSON or not UTF-8, and does not repeat it") {
    for (const std::string& text : {std::string{},
                                    std::string("{"),
                                    std::string("{\"a\":}"),
                                    std::string("{} trailing-secret"),
                                    std::string("{\"a\":\"\xff\xfe secret\"}"),
                                    std::string("{}\0", 3),
                                    std::string("\0\0", 2),
                                    std::string("\"\\ud800 secret\""),
                                    std::string("\"\nsecret\""),
                                    std::string("[1,] // secret"),
                                    std::string("01"),
                                    std::string("1e999999999999"),
                                    std::string("NaN")}) {
      CAPTURE(text);
      const std::string problem = problem_of(text);
      CHECK(problem.find("not JSON at byte") != std::string::npos);
      CHECK(problem.find("secret") == std::string::npos);
    }
    CHECK(problem_of("[1e400]").find("out of range") != std::string::npos);
  }

}  // TEST_SUITE
