// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/taker_epochs.hpp"

#include <doctest/doctest.h>

#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;
using testing::edit_nodes;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;

/// Three masters with epochs 3, 2 and 1, of which the first gives a slot to the last.
struct Bed {
  Bed() {
    for (int pod = 0; pod < 3; ++pod) {
      all_know(pod, static_cast<std::uint64_t>(3 - pod));
    }
    nodes.on_command = [this](const std::string& pod, const core::Command& command) {
      if (command[1] == "BUMPEPOCH") {
        knows(pod == pod_name(2) ? 2 : -1, 2, raised);
      }
      return tests::ok();
    };
  }

  void knows(int viewer, int pod, std::uint64_t epoch) {
    auto seen = edit_nodes(nodes.view.members.at(static_cast<std::size_t>(viewer)));
    for (core::Node& node : seen) {
      node.config_epoch = node.id == node_id(pod) ? epoch : node.config_epoch;
    }
  }
  void all_know(int pod, std::uint64_t epoch) {
    for (int viewer = 0; viewer < 3; ++viewer) {
      knows(viewer, pod, epoch);
    }
  }
  bool heard() {
    const auto heard = epochs.are_heard();
    REQUIRE(heard.has_value());
    return *heard;
  }
  void raise() {
    cluster.ask(observe::Ask::topology, conduct.call_deadline());
    REQUIRE(epochs.raise().has_value());
  }

  ViewedCluster nodes{ViewBuilder::whole(3, 0).build()};
  std::uint64_t raised = 4;
  observe::Cluster cluster = nodes.cluster();
  Watcher watcher;
  Conduct conduct = watcher.conduct();
  core::MoveSlots move{.pod = pod_name(0),
                       .source = node_id(0),
                       .target_pod = pod_name(2),
                       .target = node_id(2),
                       .slots = *core::SlotSet::parse("7")};
  Moves moves{&move};
  TakerEpochs epochs{moves, cluster, conduct};
};

const std::vector<std::string> k_asked_once{"CLUSTER BUMPEPOCH", "PUBLISH kubectl-redis:epoch "};

TEST_SUITE("apply/taker_epochs") {
  TEST_CASE("a taker that is above its giver, as all know, is left alone") {
    Bed bed;
    bed.all_know(2, 5);
    bed.raise();
    CHECK(bed.heard());
    CHECK(bed.nodes.told(2).empty());
  }

  TEST_CASE("a lower one raises its epoch, and who has not heard of it is waited for") {
    Bed bed;
    bed.raise();
    CHECK(bed.nodes.told(2) == k_asked_once);
    CHECK(bed.nodes.told(0).empty());
    CHECK_FALSE(bed.heard());
    bed.knows(0, 2, 4);
    CHECK_FALSE(bed.heard());
    bed.knows(1, 2, 4);
    CHECK(bed.heard());
  }

  TEST_CASE("a giver that rises meanwhile has its taker asked again") {
    Bed bed;
    bed.raise();
    bed.all_know(2, 4);
    bed.all_know(0, 6);
    CHECK_FALSE(bed.heard());
    CHECK(bed.nodes.told(2).size() == 2);
    bed.watcher.clock.sleep_until(bed.conduct.now() + 300ms);
    bed.raised = 7;
    CHECK_FALSE(bed.heard());
    CHECK(bed.nodes.told(2).size() == 4);
    bed.all_know(2, 7);
    CHECK(bed.heard());
  }

  TEST_CASE("an epoch that another master has, too, is none yet") {
    Bed bed;
    bed.raise();
    bed.all_know(2, 4);
    bed.all_know(1, 4);
    CHECK_FALSE(bed.heard());
    bed.all_know(1, 5);
    CHECK(bed.heard());
  }

  TEST_CASE("who never hears of it is named, and no slot is closed") {
    Bed bed;
    bed.raise();
    bed.knows(0, 2, 4);
    bed.watcher.clock.sleep_until(bed.conduct.now() + 16s);
    const auto heard = bed.epochs.are_heard();
    REQUIRE_FALSE(heard.has_value());
    CHECK(heard.error().code == ErrorCode::conflict);
    CHECK(heard.error().message.find("redis-app-1 has not heard of redis-app-2's epoch") == 0);
  }

  TEST_CASE("an end whose slots another master has with a higher epoch was replaced") {
    Bed bed;
    const auto ends = [&] { return ends_of(bed.move, bed.nodes.view); };
    REQUIRE(ends().has_value());
    const auto claim = [&](const std::string& slots, std::uint64_t epoch) {
      edit_nodes(bed.nodes.view.members[1])[1].slots = *core::SlotSet::parse(slots);
      bed.knows(1, 1, epoch);
      return ends();
    };
    CHECK(claim("16383", 1).has_value());
    const auto target = claim("16383", 4);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().message == "slots 16383 are claimed by both redis-app-2 and redis-app-1");
    const auto source = claim("7", 1);
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().message == "slots 7 are claimed by both redis-app-0 and redis-app-1");
    CHECK(claim("8", 4).has_value());
  }
}

}  // namespace
}  // namespace kredis::plugin
