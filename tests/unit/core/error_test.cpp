// SPDX-License-Identifier: Apache-2.0
#include "shared/core/error.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "shared/core/result.hpp"

using namespace std::string_literals;

namespace kredis::core {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) {
    return Error::invalid_argument("odd").with_hint("give an even number");
  }
  return number / 2;
}

Result<int> quarter(int number) {
  KREDIS_TRY(const int first, half(number));
  KREDIS_TRY(const int second, half(first));
  return second;
}

}  // namespace

TEST_SUITE("core/error") {
  TEST_CASE("every error code has a row and a name of its own") {
    std::set<std::string> names;
    for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
      const CodeTraits& row = traits(static_cast<ErrorCode>(code));
      CHECK(row.code == static_cast<ErrorCode>(code));
      names.insert(std::string(row.name));
    }
    CHECK(names.size() == k_code_traits.size());
  }

  TEST_CASE("context is kept innermost first") {
    const Error error = Error::unsafe("no").while_doing("inner").while_doing("outer");
    CHECK(error.context == std::vector{"inner"s, "outer"s});
  }

  TEST_CASE("KREDIS_TRY passes the value on or returns the error unchanged") {
    REQUIRE(quarter(8).has_value());
    CHECK(*quarter(8) == 2);
    const auto odd = quarter(6);
    REQUIRE_FALSE(odd.has_value());
    CHECK(odd.error().message == "odd");
    CHECK(odd.error().hint == "give an even number");
  }
}

}  // namespace kredis::core
