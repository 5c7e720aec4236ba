// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_failover.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;
using Of = FailoverWish::Of;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Masters 0 to 2 on nodes 0 to 2, and each one's replica on the node after it.
ViewBuilder well_spread() {
  return ViewBuilder::whole(3, 1)
      .on(3, "node-1", "zone-1")
      .on(4, "node-2", "zone-2")
      .on(5, "node-0", "zone-0");
}

/// Masters 0 to 2 with replicas 3 to 5 on the next node and 6 to 8 on the one after.
ViewBuilder two_replicas() {
  ViewBuilder builder = ViewBuilder::whole(3, 2);
  for (int i = 0; i < 3; ++i) {
    const std::string next = std::to_string((i + 1) % 3);
    const std::string last = std::to_string((i + 2) % 3);
    builder.on(3 + i, "node-" + next, "zone-" + next).on(6 + i, "node-" + last, "zone-" + last);
  }
  return builder;
}

std::string text_of(const Result<std::vector<HandOver>>& made) {
  if (!made) {
    return "refused: " + made.error().message;
  }
  std::string text;
  for (const HandOver& each : *made) {
    text += (text.empty() ? "" : ", ") + each.from_pod.name + " to " + each.to_pod.name;
  }
  return text.empty() ? "nothing" : text;
}

std::string planned(const ViewBuilder& builder,
                    Of of,
                    const std::string& name,
                    TakeOver how = TakeOver::in_step) {
  return text_of(plan_hand_overs(builder.build(), {.of = of, .name = name, .how = how}));
}

/// Everybody sees pod `pod` as failed, and it does not answer.
ViewBuilder dead(ViewBuilder builder, int pods, int pod) {
  builder.silent(pod);
  for (int viewer = 0; viewer < pods; ++viewer) {
    if (viewer != pod) {
      builder.edit(viewer, [pod](Member& member) {
        if (member.view) {  // Not of one that is dead itself.
          edit_nodes(member)->at(static_cast<std::size_t>(pod)).flags.fail = true;
        }
      });
    }
  }
  return builder;
}

}  // namespace

TEST_SUITE("core/plan_failover") {
  TEST_CASE("a replica that is named takes over, and a master that is named hands over") {
    CHECK(planned(well_spread(), Of::pod, "redis-app-4") == "redis-app-1 to redis-app-4");
    CHECK(planned(well_spread(), Of::pod, "redis-app-1") == "redis-app-1 to redis-app-4");
    CHECK(planned(well_spread(), Of::master, "redis-app-1") == "redis-app-1 to redis-app-4");
    CHECK(planned(well_spread(), Of::master, node_id(2).short_text()) ==
          "redis-app-2 to redis-app-5");
  }

  TEST_CASE("a pod that is no master is relieved already") {
    CHECK(planned(well_spread(), Of::master, "redis-app-4") == "nothing");
    CHECK(planned(well_spread(), Of::master, node_id(4).short_text()) == "nothing");
  }

  TEST_CASE("a node hands over every master that it has, to replicas elsewhere") {
    const auto both = ViewBuilder(two_replicas()).on(1, "node-0", "zone-0");
    CHECK(planned(both, Of::node, "node-0") ==
          "redis-app-0 to redis-app-3, redis-app-1 to redis-app-4");
    CHECK(planned(both, Of::zone, "zone-0") ==
          "redis-app-0 to redis-app-3, redis-app-1 to redis-app-4");
    CHECK(planned(both, Of::node, "node-1") == "nothing");
  }

  TEST_CASE("of replicas in step the one whose place spreads the masters best takes over") {
    // Masters 1 and 2 are on node-1 and node-2; master 0 leaves node-0, where replica 6 is alone.
    const auto view = two_replicas().on(3, "node-1", "zone-1").on(6, "node-0", "zone-0");
    CHECK(planned(view, Of::master, "redis-app-0") == "redis-app-0 to redis-app-6");
    const auto lagging = ViewBuilder(view).edit(
        6, [](Member& member) { member.server->replication_offset = 1000 - 7; });
    CHECK(planned(lagging, Of::master, "redis-app-0") == "redis-app-0 to redis-app-6");
  }

  TEST_CASE("a replica more than a mebibyte behind is taken only when there is no other") {
    const auto behind = [](std::int64_t bytes) {
      return two_replicas()
          .on(6, "node-0", "zone-0")
          .edit(0, [](Member& member) { member.server->replication_offset = 1 << 30; })
          .edit(3, [](Member& member) { member.server->replication_offset = 1 << 30; })
          .edit(6,
                [bytes](Member& member) { member.server->replication_offset = (1 << 30) - bytes; });
    };
    CHECK(planned(behind(1 << 20), Of::master, "redis-app-0") == "redis-app-0 to redis-app-6");
    CHECK(planned(behind((1 << 20) + 1), Of::master, "redis-app-0") ==
          "redis-app-0 to redis-app-3");
    CHECK(planned(behind((1 << 20) + 1), Of::pod, "redis-app-6") == "redis-app-0 to redis-app-6");
  }

  TEST_CASE("a master without a replica that could take over is refused by name and reason") {
    const auto down = [](Member& member) { member.server->master_link_up = false; };
    const auto made = plan_hand_overs(well_spread().edit(3, down).build(),
                                      {.of = Of::pod, .name = "redis-app-0"});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::unsafe);
    CHECK(contains(made.error().message, "redis-app-0"));
    CHECK(contains(made.error().message, "redis-app-3 is not in step"));
    CHECK(contains(made.error().hint, "--force"));
    CHECK(planned(well_spread().edit(3, down), Of::pod, "redis-app-0", TakeOver::force) ==
          "redis-app-0 to redis-app-3");
    CHECK(contains(planned(well_spread().silent(3), Of::pod, "redis-app-0", TakeOver::takeover),
                   "redis-app-3 does not answer"));
  }

  TEST_CASE("a node is refused whole when one master has no replica elsewhere") {
    const auto view = ViewBuilder(two_replicas())
                          .on(1, "node-0", "zone-0")
                          .on(4, "node-0", "zone-0")
                          .on(7, "node-0", "zone-0");
    const std::string text = planned(view, Of::node, "node-0");
    CHECK(contains(text, "redis-app-1 (slots 5461-10922)"));
    CHECK(contains(text, "redis-app-4 is there too and redis-app-7 is there too"));
    CHECK_FALSE(contains(text, "redis-app-0"));
  }

  TEST_CASE("a dead master takes --force, and no majority takes --takeover") {
    const auto one = dead(well_spread(), 6, 0);
    const auto planned_one = plan_hand_overs(one.build(), {.of = Of::pod, .name = "redis-app-3"});
    REQUIRE_FALSE(planned_one.has_value());
    CHECK(contains(planned_one.error().hint, "--force"));
    const auto forced = plan_hand_overs(
        one.build(), {.of = Of::pod, .name = "redis-app-3", .how = TakeOver::force});
    REQUIRE(forced.has_value());
    CHECK_FALSE(forced->front().from_answers);
    const auto two = dead(one, 6, 1);
    CHECK(contains(planned(two, Of::pod, "redis-app-3", TakeOver::force), "only 1 of 3 masters"));
    CHECK(planned(two, Of::pod, "redis-app-3", TakeOver::takeover) == "redis-app-0 to redis-app-3");
  }

  TEST_CASE("a master with a half-moved slot does not hand over") {
    ViewBuilder builder = well_spread();
    builder.edit(0, [](Member& member) {
      edit_nodes(member)[0].open_slots = {
          {.slot = 7, .direction = OpenSlot::Direction::migrating, .other = testing::node_id(1)}};
    });
    const auto made = plan_hand_overs(builder.build(), {.of = Of::pod, .name = "redis-app-0"});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().message ==
          "slot 7 is half moved on redis-app-0, which cannot hand over meanwhile");
    CHECK(made.error().hint ==
          "let what moves it finish; where nothing does: kubectl redis fix redis -n default --only "
          "slots-open");
    CHECK(planned(builder, Of::pod, "redis-app-1") == "redis-app-1 to redis-app-4");
    CHECK(planned(builder, Of::pod, "redis-app-3", TakeOver::force) ==
          "redis-app-0 to redis-app-3");
  }

  TEST_CASE("what is not there is answered with what is") {
    const auto view = well_spread().build();
    for (const auto& [of, known] : {std::pair{Of::pod, "redis-app-5"},
                                    std::pair{Of::master, "redis-app-0, redis-app-1"},
                                    std::pair{Of::node, "node-2"},
                                    std::pair{Of::zone, "zone-2"}}) {
      const auto made = plan_hand_overs(view, {.of = of, .name = "nowhere"});
      REQUIRE_FALSE(made.has_value());
      CHECK(made.error().code == ErrorCode::not_found);
      CHECK(contains(made.error().message, "nowhere"));
      CHECK(contains(made.error().hint, known));
    }
  }

  TEST_CASE("an id's start that fits several masters is refused") {
    const auto made = plan_hand_overs(well_spread().build(), {.of = Of::master, .name = "a000000"});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::invalid_argument);
  }

  TEST_CASE("elections are stages one after another, takeovers are one stage") {
    const auto both = ViewBuilder(two_replicas()).on(1, "node-0", "zone-0").build();
    const auto stages = [&](TakeOver how) {
      const auto made = plan_hand_overs(both, {.of = Of::node, .name = "node-0", .how = how});
      return plan_failover(made.value());
    };
    const Plan voted = stages(TakeOver::in_step);
    REQUIRE(voted.stages.size() == 2);
    CHECK(to_text(voted.stages[0].steps[0]) == "failover redis-app-3 redis-app-0");
    CHECK(contains(voted.stages[0].steps[0].reason, "0 bytes behind"));
    const Plan taken = stages(TakeOver::takeover);
    REQUIRE(taken.stages.size() == 1);
    REQUIRE(taken.stages[0].steps.size() == 2);
    CHECK(to_text(taken.stages[0].steps[1]) == "failover redis-app-4 redis-app-1 takeover");
    CHECK(contains(taken.stages[0].steps[1].reason, "are lost"));
  }

  TEST_CASE("it is done when every node shows the roles and the old master is in sync") {
    const auto before = well_spread();
    const auto made =
        plan_hand_overs(before.build(), {.of = Of::pod, .name = "redis-app-3"}).value();
    CHECK(unfinished(before.build(), made).size() == 1);
    CHECK(contains(unsettled(before.build(), made), "has not taken over"));

    const auto after = ViewBuilder(6)
                           .on(3, "node-1", "zone-1")
                           .slots(3, "0-5460")
                           .slots(1, "5461-10922")
                           .slots(2, "10923-16383")
                           .replica(0, 3)
                           .replica(4, 1)
                           .replica(5, 2)
                           .all_met();
    CHECK(unfinished(after.build(), made).empty());
    CHECK(unsettled(after.build(), made).empty());
    const auto out_of_sync =
        ViewBuilder(after).edit(0, [](Member& m) { m.server->master_link_up = false; });
    CHECK(contains(unsettled(out_of_sync.build(), made), "redis-app-0 is not in sync"));
    const auto late = ViewBuilder(after).edit(
        2, [&](Member& member) { member.view = before.build().members[2].view; });
    CHECK(contains(unsettled(late.build(), made), "redis-app-2 does not know yet"));
    CHECK(contains(unsettled(ViewBuilder(after).silent(5).build(), made),
                   "redis-app-5 does not answer"));
  }
}

}  // namespace kredis::core
