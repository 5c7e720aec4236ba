// SPDX-License-Identifier: Apache-2.0
#include "webhook/review_reader.hpp"

#include <doctest/doctest.h>

#include <string>

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
                                    std::string("\0\0", 2),
                                    std::string("NaN")}) {
      CAPTURE(text);
      const std::string problem = problem_of(text);
      CHECK(problem.find("not JSON at byte") != std::string::npos);
      CHECK(problem.find("secret") == std::string::npos);
    }
  }

}  // TEST_SUITE
