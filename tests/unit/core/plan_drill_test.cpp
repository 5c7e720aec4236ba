// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_drill.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Three masters, each with its replica on another node.
ViewBuilder well_spread() {
  return ViewBuilder::whole(3, 1).on(3, "node-1").on(4, "node-2").on(5, "node-0");
}

Error refused(const ViewBuilder& builder, const DrillWish& wish) {
  const auto drill = plan_drill(builder.build(), wish);
  REQUIRE_FALSE(drill.has_value());
  return drill.error();
}

}  // namespace

TEST_SUITE("core/plan_drill") {
  TEST_CASE("a master that is named goes, and its shard is probed first") {
    const auto drill = plan_drill(well_spread().build(), {.master = "redis-app-1"});
    REQUIRE(drill.has_value());
    CHECK(drill->victim == node_id(1));
    CHECK(drill->slots.to_text() == "5461-10922");
    REQUIRE(drill->replicas.size() == 1);
    CHECK(drill->replicas[0].name == "redis-app-4");
    REQUIRE(drill->probed.size() == 3);
    CHECK(drill->probed[0].slot == 5461);
    CHECK(drill->probed[0].nodes == std::vector<NodeId>{node_id(1), node_id(4)});
    CHECK(drill->probed[1].slot == 0);
  }

  TEST_CASE("without a name the dice choose among all that may go") {
    std::set<std::string> chosen;
    for (std::uint64_t dice = 0; dice < 6; ++dice) {
      chosen.insert(plan_drill(well_spread().build(), {.dice = dice})->pod.name);
    }
    CHECK(chosen == std::set<std::string>{"redis-app-0", "redis-app-1", "redis-app-2"});
  }

  TEST_CASE("no more than eight shards are probed") {
    const auto drill = plan_drill(ViewBuilder::whole(12, 1).build(), {.master = "redis-app-11"});
    REQUIRE(drill.has_value());
    REQUIRE(drill->probed.size() == 8);
    CHECK(drill->probed[0].nodes.front() == node_id(11));
  }

  TEST_CASE("a lag at the limit is drilled and one past it is refused") {
    const auto behind = [](std::int64_t bytes) {
      return well_spread().edit(
          0, [bytes](Member& master) { master.server->replication_offset = 1000 + bytes; });
    };
    CHECK(plan_drill(behind(k_drill_most_lag_bytes).build(), {.master = "redis-app-0"}));
    const Error error = refused(behind(k_drill_most_lag_bytes + 1), {.master = "redis-app-0"});
    CHECK(error.code == ErrorCode::unsafe);
    CHECK(contains(error.message, "redis-app-3, is 1 MiB behind"));
  }

  TEST_CASE("a cluster that would not get over it is refused, and why is said") {
    const struct {
      const char* label;
      ViewBuilder builder;
      const char* message;
    } cases[] = {
        {"no replica", ViewBuilder::whole(3, 0), "no replica that could take over"},
        {"a silent pod", well_spread().silent(4), "redis-app-4 does not answer"},
        {"a pod that is not ready",
         well_spread().edit(4, [](Member& member) { member.pod.ready = false; }),
         "redis-app-4 is not ready"},
        {"a replica out of sync",
         well_spread().edit(3, [](Member& member) { member.server->master_link_up = false; }),
         "redis-app-3 is not in sync"},
        {"a node that sees failure",
         well_spread().edit(2, [](Member& member) { member.cluster->state_ok = false; }),
         "redis-app-2 sees the cluster as failed"},
        {"strangers", ViewBuilder(6), "is not whole"},
    };
    for (const auto& each : cases) {
      INFO(each.label);
      const Error error = refused(each.builder, {.master = "redis-app-0"});
      CHECK(error.code == ErrorCode::unsafe);
      CHECK_MESSAGE(contains(error.message, each.message), error.message);
      CHECK(contains(error.hint, "kubectl redis status redis -n default"));
    }
  }

  TEST_CASE("two masters are no majority without one of them") {
    ViewBuilder two(4);
    two.slots(0, "0-8191").slots(1, "8192-16383").replica(2, 0).replica(3, 1).all_met();
    const Error error = refused(two, {.master = "redis-app-0"});
    CHECK(error.code == ErrorCode::unsafe);
    CHECK_MESSAGE(contains(error.message, "majority"), error.message);
  }

  TEST_CASE("a replica and a name that is not there are refused") {
    CHECK(contains(refused(well_spread(), {.master = "redis-app-3"}).message, "is not a master"));
    CHECK(refused(well_spread(), {.master = "nowhere"}).code == ErrorCode::not_found);
    ViewBuilder silent = well_spread();
    for (int pod = 0; pod < 6; ++pod) {
      silent.silent(pod);
    }
    CHECK(refused(silent, {}).code == ErrorCode::unreachable);
  }

  TEST_CASE("a sight tells suspicion, agreement and the heir, whatever the victim says") {
    const auto drill = plan_drill(well_spread().build(), {.master = "redis-app-0"}).value();
    const auto flagged = [](bool pfail, bool fail) {
      return well_spread().edit(1, [=](Member& member) {
        for (Node& node : edit_nodes(member)) {
          node.flags.pfail = pfail && node.id == node_id(0);
          node.flags.fail = fail && node.id == node_id(0);
        }
      });
    };
    CHECK_FALSE(sight_of(flagged(false, false).build(), drill).suspected);
    CHECK(sight_of(flagged(true, false).build(), drill).suspected);
    CHECK_FALSE(sight_of(flagged(true, false).build(), drill).detected);
    CHECK(sight_of(flagged(false, true).build(), drill).detected);
    CHECK_FALSE(sight_of(well_spread().build(), drill).heir.has_value());
    const auto after = ViewBuilder(6)
                           .slots(3, "0-5460")
                           .slots(1, "5461-10922")
                           .slots(2, "10923-16383")
                           .replica(0, 3)
                           .replica(4, 1)
                           .replica(5, 2)
                           .all_met();
    CHECK(sight_of(after.build(), drill).heir == node_id(3));
    CHECK(drill_missing(after.build(), drill, node_id(3)).empty());
    CHECK(contains(drill_missing(ViewBuilder(after).silent(0).build(), drill, node_id(3)),
                   "redis-app-0 does not answer"));
  }

  TEST_CASE("healing wants the old master back as the node it was, and as a replica") {
    const auto drill = plan_drill(well_spread().build(), {.master = "redis-app-0"}).value();
    CHECK(drill_missing(well_spread().build(), drill, std::nullopt).empty());
    CHECK(contains(drill_missing(well_spread().build(), drill, node_id(3)), "is a replica"));
    const auto stranger = well_spread().edit(0, [](Member& member) {
      for (Node& node : edit_nodes(member)) {
        node.id = node.flags.myself ? node_id(9) : node.id;
      }
    });
    CHECK(contains(drill_missing(stranger.build(), drill, node_id(3)), "not back as the node"));
  }
}

}  // namespace kredis::core
