// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_reshard.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::pod_name;
using testing::ViewBuilder;

std::string told(const Result<std::vector<MoveSlots>>& moves) {
  if (!moves) {
    return moves.error().message;
  }
  std::string text;
  for (const MoveSlots& move : *moves) {
    text +=
        (text.empty() ? "" : "; ") + move.pod + " " + move.target_pod + " " + move.slots.to_text();
  }
  return text;
}

const ClusterView& whole() {
  static const ClusterView view = ViewBuilder::whole(3, 1).build();
  return view;
}

std::string reshard(const std::string& from, const std::string& slots) {
  ReshardWish wish{.to = {pod_name(2)}, .slots = SlotSet::parse(slots).value()};
  if (!from.empty()) {
    wish.from = {from};
  }
  return told(plan_reshard(whole(), wish));
}

TEST_SUITE("core/plan_reshard") {
  TEST_CASE("slots by number or by name move from those that give, else from all others") {
    CHECK(reshard(pod_name(0), "7,9") == "redis-app-0 redis-app-2 7,9");
    CHECK(reshard("", "7,6000") == "redis-app-0 redis-app-2 7; redis-app-1 redis-app-2 6000");
    CHECK(told(plan_reshard(whole(), {.from = {pod_name(0)}, .to = {pod_name(1)}, .count = 3})) ==
          "redis-app-0 redis-app-1 5458-5460");
    CHECK(told(plan_reshard(whole(), {.from = {"a0000000"}, .to = {"a0000001"}, .count = 1})) ==
          "redis-app-0 redis-app-1 5460");
  }

  TEST_CASE("what arrived before is passed over, so that the same command can be run again") {
    CHECK(reshard(pod_name(0), "7,11000") == "redis-app-0 redis-app-2 7");
    CHECK(reshard(pod_name(0), "11000").empty());
  }

  TEST_CASE("wishes that make no sense are refused") {
    CHECK(reshard("nobody", "7") == "no master of this cluster is called \"nobody\"");
    CHECK(reshard(pod_name(3), "7") == "no master of this cluster is called \"redis-app-3\"");
    CHECK(reshard(pod_name(2), "7") == "redis-app-2 is named by --from and by --to");
    CHECK(reshard(pod_name(0), "6000") == "slots 6000 are at none of those that give");
    CHECK(reshard(pod_name(0), "0-5460") == "redis-app-0 would be left without slots");
    CHECK(reshard(pod_name(0), "0-5459") == "redis-app-0 redis-app-2 0-5459");
  }

  TEST_CASE("nothing moves while each has its share within the threshold") {
    const ClusterView uneven = ViewBuilder::whole(3, 0)
                                   .slots(0, "0-5560")
                                   .slots(1, "5561-10922")
                                   .slots(2, "10923-16383")
                                   .build();
    CHECK(told(plan_rebalance(uneven, {}, {})).empty());
    CHECK(told(plan_rebalance(uneven, {.threshold_percent = 1}, {})) ==
          "redis-app-0 redis-app-1 5462-5560");
    CHECK(told(plan_rebalance(whole(), {.weights = {{pod_name(0), 2}}}, {})) ==
          "redis-app-1 redis-app-0 9557-10922; redis-app-2 redis-app-0 15019-16383");
    CHECK(told(plan_rebalance(whole(), {.weights = {{pod_name(0), 0}}}, {})) ==
          "redis-app-0 would be left without slots");
    CHECK(told(plan_rebalance(whole(), {.weights = {{"nobody", 1}}}, {})) ==
          "no master of this cluster is called \"nobody\"");
  }

  TEST_CASE("shares of what slots weigh are as near as whole slots come") {
    std::vector<double> weighs(k_slot_count, 0);
    weighs[0] = weighs[1] = weighs[2] = 10;
    CHECK(told(plan_rebalance(whole(), {}, weighs)) ==
          "redis-app-0 redis-app-1 0; redis-app-0 redis-app-2 1");
  }
}

}  // namespace
}  // namespace kredis::core
