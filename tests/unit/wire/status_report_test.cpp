// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/status_report.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/builders.hpp"

namespace kredis::wire {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

Json report_of(const ViewBuilder& builder) {
  const core::ClusterView view = builder.build();
  return status_report(view, core::find_trouble(view), core::survival_of(view));
}

ViewBuilder healthy() {
  ViewBuilder builder = ViewBuilder::whole(3, 1);
  return builder.on(3, "node-1", "zone-1").on(4, "node-2", "zone-2").on(5, "node-0", "zone-0");
}

TEST_SUITE("wire/status_report") {
  TEST_CASE("status_report writes the shape that scripts rely on") {
    ViewBuilder builder = healthy();
    builder.keys(0, 12).edit(0, [](core::Member& m) { m.server->replication_offset = 1042; });
    const Json report = report_of(builder);
    CHECK(report["apiVersion"] == "kubectl-redis.dev/v1");
    CHECK(report["kind"] == "ClusterStatus");
    CHECK(report["name"] == "redis");
    CHECK(report["namespace"] == "default");
    CHECK(report["health"] == "ok");
    CHECK(report["slots"] == Json({{"assigned", 16'384}, {"ok", 16'384}, {"open", 0}}));
    REQUIRE(report["masters"].size() == 3);
    const Json expected = {{"id", node_id(0).to_text()},
                           {"pod", "redis-app-0"},
                           {"node", "node-0"},
                           {"zone", "zone-0"},
                           {"address", "10.0.0.1:6379"},
                           {"slots", Json::array({Json::array({0, 5460})})},
                           {"keys", 12},
                           {"memoryBytes", 1 << 20},
                           {"replicas",
                            Json::array({{{"id", node_id(3).to_text()},
                                          {"pod", "redis-app-3"},
                                          {"node", "node-1"},
                                          {"zone", "zone-1"},
                                          {"address", "10.0.0.4:6379"},
                                          {"lagBytes", 42},
                                          {"link", "up"}}})}};
    CHECK(report["masters"][0] == expected);
    CHECK(report["survives"]["nodes"]["node-0"] == Json({{"survived", true},
                                                         {"lostSlots", Json::array()},
                                                         {"majorityLost", false},
                                                         {"masters", 1}}));
    CHECK(report["survives"]["zones"].size() == 3);
    CHECK(report["findings"] == Json::array());
    CHECK(report.size() == 12);
    CHECK(report.contains("madeBy"));
    CHECK(report["change"].is_null());
    core::ClusterView changing = builder.build();
    changing.change =
        core::Change{"kubectl redis scale redis", "jane@here/7", "2026-11-29", "3 of 9 slots"};
    CHECK(status_report(changing, {}, {})["change"] == Json({{"doing", "kubectl redis scale redis"},
                                                             {"by", "jane@here/7"},
                                                             {"since", "2026-11-29"},
                                                             {"progress", "3 of 9 slots"}}));
  }

  TEST_CASE("status_report says null for what a silent pod did not tell") {
    const Json report = report_of(healthy().silent(3).silent(1));
    CHECK(report["masters"][0]["replicas"][0]["lagBytes"].is_null());
    CHECK(report["masters"][0]["replicas"][0]["link"].is_null());
    CHECK(report["masters"][1]["pod"] == "redis-app-1");
    CHECK(report["masters"][1]["keys"].is_null());
    CHECK(report["health"] == "degraded");
    CHECK(report["findings"][0]["id"] == "no-answer");
    CHECK(report["findings"][0]["severity"] == "error");
    CHECK(report["findings"][0]["message"].is_string());
    CHECK(report["findings"][0]["fix"].is_string());
  }

  TEST_CASE("status_report counts open slots once and puts IPv6 in brackets") {
    ViewBuilder builder = healthy();
    for (int pod = 0; pod < 2; ++pod) {
      builder.edit(pod, [pod](core::Member& member) {
        auto nodes = edit_nodes(member);
        core::Node& self = nodes[static_cast<std::size_t>(pod)];
        self.open_slots.push_back({.slot = 77,
                                   .direction = pod == 0 ? core::OpenSlot::Direction::migrating
                                                         : core::OpenSlot::Direction::importing,
                                   .other = node_id(1 - pod)});
      });
    }
    builder.edit(2, [](core::Member& member) { member.pod.ip = "fd00::3"; });
    const Json report = report_of(builder);
    CHECK(report["slots"]["open"] == 1);
    CHECK(report["masters"][2]["address"] == "[fd00::3]:6379");
  }

  TEST_CASE("status_report gives a pod's address now, not the one that nodes still name") {
    ViewBuilder builder = healthy();
    builder.edit(1, [](core::Member& member) { member.pod.ip = "10.9.9.9"; });
    CHECK(report_of(builder)["masters"][1]["address"] == "10.9.9.9:6379");
  }

  TEST_CASE("status_report of a cluster where nobody answers is unknown and empty") {
    ViewBuilder builder = healthy();
    for (int pod = 0; pod < 6; ++pod) {
      builder.silent(pod);
    }
    const Json report = report_of(builder);
    CHECK(report["health"] == "unknown");
    CHECK(report["masters"] == Json::array());
    CHECK(report["slots"] == Json({{"assigned", 0}, {"ok", 0}, {"open", 0}}));
  }
}

}  // namespace
}  // namespace kredis::wire
