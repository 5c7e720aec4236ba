// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/slots/begun_moves.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/builders.hpp"

namespace kredis::plugin {
namespace {

using core::ReshardWish;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;

const ReshardWish k_wish{.from = {pod_name(0)}, .to = {pod_name(1)}, .count = 100};

/// Kept when the 100 last slots of pod 0 were about to go to pod 1.
std::string begun() {
  const auto moves = core::plan_reshard(ViewBuilder::whole(3, 1).build(), k_wish);
  REQUIRE(moves.has_value());
  return begun_text(k_wish, *moves);
}

TEST_SUITE("slots/begun_moves") {
  TEST_CASE("what has arrived is not moved again, and the rest is") {
    const auto at_once = left_of_begun(ViewBuilder::whole(3, 1).build(), k_wish, begun());
    REQUIRE(at_once.has_value());
    REQUIRE(at_once->has_value());
    REQUIRE((*at_once)->size() == 1);
    const core::MoveSlots all = (*at_once)->front();
    CHECK(all.slots.size() == 100);

    const core::SlotSet some = *core::SlotSet::parse("5361-5400");
    REQUIRE(all.slots.without(some).size() == 60);
    ViewBuilder halfway = ViewBuilder::whole(3, 1);
    halfway.slots(0, "0-5360,5401-5460").slots(1, "5361-5400,5461-10922");
    const auto left = left_of_begun(halfway.build(), k_wish, begun());
    REQUIRE(left.has_value());
    REQUIRE((*left)->size() == 1);
    CHECK((*left)->front().slots.to_text() == all.slots.without(some).to_text());
    CHECK((*left)->front().target == node_id(1));

    ViewBuilder over = ViewBuilder::whole(3, 1);
    over.slots(0, "0-5360").slots(1, "5361-10922");
    const auto nothing = left_of_begun(over.build(), k_wish, begun());
    REQUIRE(nothing.has_value());
    REQUIRE(nothing->has_value());
    CHECK((*nothing)->empty());
  }

  TEST_CASE("another wish, or what nobody can read, is nothing that was begun") {
    ReshardWish more = k_wish;
    more.count = 101;
    CHECK_FALSE(left_of_begun(ViewBuilder::whole(3, 1).build(), more, begun())->has_value());
    for (const std::string text :
         {"", "{", "[]", "7", R"({"wish": 1, "moves": {}})", R"({"moves": {"x": "0-9"}})"}) {
      CAPTURE(text);
      CHECK_FALSE(left_of_begun(ViewBuilder::whole(3, 1).build(), k_wish, text)->has_value());
    }
    std::string bad = begun();
    bad.replace(bad.find("5361"), 4, "once");
    CHECK_FALSE(left_of_begun(ViewBuilder::whole(3, 1).build(), k_wish, bad)->has_value());
  }

  TEST_CASE("a target that its replica replaced is that replica now") {
    ViewBuilder replaced = ViewBuilder::whole(3, 1);
    const std::string slots = core::even_slots(3)[1].to_text();
    replaced.slots(1, "none").replica(1, 4).replica(4, -1).slots(4, slots);
    const auto left = left_of_begun(replaced.build(), k_wish, begun());
    REQUIRE_MESSAGE(left.has_value(), left.error().message);
    REQUIRE((*left)->size() == 1);
    CHECK((*left)->front().target == node_id(4));
  }

  TEST_CASE("a target that does not answer is waited for by whoever runs it again") {
    ViewBuilder silent = ViewBuilder::whole(3, 1);
    silent.silent(1);
    const auto left = left_of_begun(silent.build(), k_wish, begun());
    REQUIRE_FALSE(left.has_value());
    CHECK(left.error().code == ErrorCode::conflict);
  }
}

}  // namespace
}  // namespace kredis::plugin
