// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/quantity.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace kredis::wire {
namespace {

TEST_SUITE("wire/quantity") {
  TEST_CASE("parse_quantity reads every suffix and notation that Kubernetes writes") {
    struct Case {
      const char* text;
      std::int64_t whole;
      std::int32_t thousandths;
    };
    const Case cases[] = {
        {"0", 0, 0},
        {"200M", 200'000'000, 0},
        {"100Mi", 104'857'600, 0},
        {"1.5Gi", 1'610'612'736, 0},
        {"1e3", 1000, 0},
        {"1E3", 1000, 0},
        {"12E-1", 1, 200},
        {"1e+2", 100, 0},
        {"1E", 1'000'000'000'000'000'000, 0},
        {"1Ei", std::int64_t{1} << 60, 0},
        {"100m", 0, 100},
        {"1500m", 1, 500},
        {"0.1", 0, 100},
        {".5", 0, 500},
        {"5.", 5, 0},
        {"+7k", 7000, 0},
        {"1n", 0, 1},
        {"1u", 0, 1},
        {"0.0001", 0, 1},
        {"123456789012345678", 123'456'789'012'345'678, 0},
        {"000000000000000000000001", 1, 0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const auto quantity = parse_quantity(c.text);
      REQUIRE(quantity.has_value());
      CHECK(quantity->whole == c.whole);
      CHECK(quantity->thousandths == c.thousandths);
    }
  }

  TEST_CASE("parse_quantity quotes what is no quantity and shows how to write one") {
    for (const char* text : {"",
                             "M",
                             "lots",
                             "1 Gi",
                             "1GB",
                             "1.2.3",
                             "1e",
                             "1e99",
                             "0x10",
                             "1mi",
                             "1K",
                             ".",
                             "+",
                             "1234567890123456789012",
                             "1e-19"}) {
      CAPTURE(text);
      const auto quantity = parse_quantity(text);
      REQUIRE_FALSE(quantity.has_value());
      CHECK(quantity.error().code == ErrorCode::invalid_argument);
      CHECK(quantity.error().message == "\"" + std::string{text} + "\" is not a quantity");
      CHECK(quantity.error().hint.find("200M") != std::string::npos);
    }
  }

  TEST_CASE("parse_quantity refuses negative amounts and those past 63 bits") {
    CHECK(parse_quantity("-1").error().message == "\"-1\" is negative");
    CHECK(parse_quantity("7Ei").has_value());
    CHECK(parse_quantity("8Ei").error().message == "\"8Ei\" is too large");
    CHECK(parse_quantity("999999999999999999Ei").error().message.find("too large") !=
          std::string::npos);
    CHECK(parse_quantity("9E").has_value());
    CHECK_FALSE(parse_quantity("10E").has_value());
  }

  TEST_CASE("parse_byte_quantity rounds a part of a byte up") {
    CHECK(parse_byte_quantity("1.5").value() == 2);
    CHECK(parse_byte_quantity("64Mi").value() == 67'108'864);
  }
}

}  // namespace
}  // namespace kredis::wire
