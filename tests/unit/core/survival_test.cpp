// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/survival.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::ViewBuilder;

/// Three masters on nodes 0 to 2 and each one's replica on the node after it.
ViewBuilder well_spread() {
  return ViewBuilder::whole(3, 1)
      .on(3, "node-1", "zone-1")
      .on(4, "node-2", "zone-2")
      .on(5, "node-0", "zone-0");
}

std::string lost(const std::map<std::string, Loss>& losses, const std::string& place) {
  return losses.at(place).slots.to_text();
}

}  // namespace

TEST_SUITE("core/survival") {
  TEST_CASE("a cluster with replicas elsewhere survives any one node, zone and pod") {
    const Survival survival = survival_of(well_spread().build());
    REQUIRE(survival.nodes.size() == 3);
    REQUIRE(survival.zones.size() == 3);
    REQUIRE(survival.pods.size() == 6);
    for (const auto* losses : {&survival.nodes, &survival.zones, &survival.pods}) {
      CHECK(std::ranges::all_of(*losses, [](const auto& loss) { return loss.second.survived(); }));
    }
    CHECK(survival.nodes.at("node-0").masters == 1);
    CHECK(survival.pods.at("redis-app-3").masters == 0);
  }

  TEST_CASE("pods that go together, or after others, take what none of them takes alone") {
    const ClusterView view = well_spread().build();
    CHECK(loss_of(view, {"redis-app-0"}).survived());
    CHECK(loss_of(view, {"redis-app-0", "redis-app-3"}).slots.to_text() == "0-5460");
    CHECK(loss_of(view, {"redis-app-0"}, {"redis-app-3"}).slots.to_text() == "0-5460");
    CHECK(loss_of(view, {"redis-app-3"}, {"redis-app-0", "redis-app-3"}).slots.empty());
    const Loss two = loss_of(view, {"redis-app-0"}, {"redis-app-1"});
    CHECK(two.slots.empty());
    CHECK(two.majority_gone);
    CHECK(two.masters == 1);
    CHECK_FALSE(loss_of(view, {"redis-app-4"}, {"redis-app-0"}).majority_gone);
  }

  TEST_CASE("a majority that is gone already cannot be lost") {
    const ClusterView view = well_spread().build();
    CHECK_FALSE(loss_of(view, {"redis-app-2"}, {"redis-app-0", "redis-app-1"}).majority_gone);
    CHECK(loss_of(view, {"redis-app-1"}, {"redis-app-0"}).majority_gone);
  }

  TEST_CASE("a node that holds a master and its only replica would take its slots along") {
    const Survival survival = survival_of(ViewBuilder::whole(3, 1).build());
    CHECK(lost(survival.nodes, "node-0") == "0-5460");
    CHECK(lost(survival.zones, "zone-2") == "10923-16383");
    CHECK(lost(survival.pods, "redis-app-0") == "none");
    CHECK_FALSE(survival.nodes.at("node-0").survived());
  }

  TEST_CASE("a replica is a copy only while it answers, follows and is not failing") {
    const auto expect_alone = [](ViewBuilder builder) {
      const Survival survival = survival_of(builder.build());
      CHECK(lost(survival.pods, "redis-app-0") == "0-5460");
      CHECK(lost(survival.nodes, "node-0") == "0-5460");
      CHECK(lost(survival.pods, "redis-app-1") == "none");
    };
    SUBCASE("silent") { expect_alone(well_spread().silent(3)); }
    SUBCASE("link down") {
      expect_alone(well_spread().edit(3, [](Member& m) { m.server->master_link_up = false; }));
    }
    SUBCASE("failing") {
      ViewBuilder builder = well_spread();
      for (int viewer = 0; viewer < 6; ++viewer) {
        builder.edit(viewer, [](Member& m) { edit_nodes(m)->at(3).flags.pfail = true; });
      }
      expect_alone(builder);
    }
  }

  TEST_CASE("the replica of a master that failed holds the last copy") {
    ViewBuilder builder = well_spread().silent(0);
    for (int viewer = 1; viewer < 6; ++viewer) {
      builder.edit(viewer, [](Member& m) { edit_nodes(m)->at(0).flags.fail = true; });
    }
    const Survival survival = survival_of(builder.build());
    CHECK(lost(survival.pods, "redis-app-3") == "0-5460");
    CHECK(lost(survival.pods, "redis-app-0") == "none");
    CHECK(survival.nodes.at("node-0").masters == 0);
    // Two of three masters still vote; without one more they are no majority.
    CHECK_FALSE(survival.nodes.at("node-0").majority_gone);
    CHECK(survival.nodes.at("node-1").majority_gone);
  }

  TEST_CASE("half of the masters on one node is one too many") {
    SUBCASE("two of four: no majority would be left") {
      const Survival survival = survival_of(ViewBuilder::whole(4, 0).on(3, "node-0").build());
      CHECK(survival.nodes.at("node-0").masters == 2);
      CHECK(survival.nodes.at("node-0").majority_gone);
      CHECK_FALSE(survival.nodes.at("node-1").majority_gone);
    }
    SUBCASE("two of five: three are left") {
      const Survival survival = survival_of(ViewBuilder::whole(5, 0).build());
      CHECK(survival.nodes.at("node-0").masters == 2);
      CHECK_FALSE(survival.nodes.at("node-0").majority_gone);
    }
  }

  TEST_CASE("what is unknown takes nothing along") {
    const Survival survival =
        survival_of(ViewBuilder::whole(3, 1).on(0, "", "").on(3, "", "").build());
    CHECK(survival.nodes.size() == 2);
    CHECK(lost(survival.nodes, "node-1") == "5461-10922");
    CHECK(survival_of(ViewBuilder(6).build()).nodes.at("node-0") == Loss{});
    CHECK(survival_of({}).pods.empty());
  }
}

}  // namespace kredis::core
