// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/surprises.hpp"

#include <doctest/doctest.h>

namespace kredis::plugin {
namespace {

TEST_SUITE("apply/surprises") {
  TEST_CASE("what a new look may do away with is allowed, but not again and again") {
    const Status refused = Error::conflict("somebody was quicker");
    const Status lost = Error::unreachable("it went away");
    Surprises surprises;
    for (int i = 0; i < 2; ++i) {
      CHECK(surprises.judge({}));
      CHECK(surprises.judge(refused));
      CHECK(surprises.judge(lost));
      CHECK(surprises.judge(refused));
      CHECK(surprises.judge(lost));
    }
    CHECK_FALSE(surprises.judge(lost));
    CHECK(Surprises().judge(Error::not_found("pods 'shop-0' does not exist")));
    CHECK_FALSE(Surprises().judge(Error::timeout("no more time")));
    CHECK_FALSE(Surprises().judge(Error::unsafe("keys would go")));
    CHECK_FALSE(Surprises().judge(Error::cancelled("Ctrl-C")));
  }
}

}  // namespace
}  // namespace kredis::plugin
