// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/hand_over.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "shared/observe/ask_members.hpp"
#include "tests/support/cluster_bed.hpp"

namespace kredis::plugin {
namespace {

using core::FailoverWish;
using core::TakeOver;
using std::chrono::steady_clock;
using tests::ClusterBed;
using namespace std::chrono_literals;
using Of = FailoverWish::Of;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Result<FailoverOutcome> run(ClusterBed& bed,
                            FailoverWish wish,
                            std::chrono::milliseconds time = 60s) {
  return fail_over(
      *bed.cluster(), {.wish = std::move(wish)}, {.deadline = steady_clock::now() + time});
}

std::string role(const ClusterBed& bed, std::size_t node) {
  return bed.ask(node, {"ROLE"}).items.front().text;
}

/// Three masters 0 to 2 on nodes 0 to 2, their replicas on the next node.
void form(ClusterBed& bed) {
  for (std::size_t i = 3; i < 6; ++i) {
    bed.view.members[i].pod.domain.node = "node-" + std::to_string((i + 1) % 3);
  }
  const auto made = bed.init(3);
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
}

/// The position of the replica of the master at `master`.
std::size_t replica_of(ClusterBed& bed, std::size_t master) {
  const std::string id = bed.ask(master, {"CLUSTER", "MYID"}).text;
  for (std::size_t node = 0; node < bed.view.members.size(); ++node) {
    if (contains(bed.ask(node, {"CLUSTER", "NODES"}).text, "myself,slave " + id)) {
      return node;
    }
  }
  return bed.view.members.size();
}

TEST_SUITE("operations/failover") {
  TEST_CASE("a replica takes over, every node shows it, the old master follows, nothing is lost") {
    ClusterBed bed(6, 5000);
    form(bed);
    const std::size_t heir = replica_of(bed, 0);
    REQUIRE(heir < 6);
    REQUIRE(bed.ask(0, {"SET", "{06S}", "kept"}).is_ok());  // Slot 0.

    const auto outcome = run(bed, {.of = Of::pod, .name = bed.view.members[heir].pod.name});

    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    REQUIRE(outcome->hand_overs.size() == 1);
    CHECK(outcome->hand_overs[0].from_pod.name == "redis-app-0");
    CHECK(role(bed, heir) == "master");
    CHECK(role(bed, 0) == "slave");
    CHECK(bed.ask(0, {"ROLE"}).items.at(3).text == "connected");
    CHECK(bed.ask(heir, {"GET", "{06S}"}).text == "kept");
    CHECK(outcome->view.all_agree());
    CHECK(outcome->took < 10s);
  }

  TEST_CASE("a master is relieved once, and once more changes nothing") {
    ClusterBed bed(6, 5000);
    form(bed);
    const std::size_t heir = replica_of(bed, 1);
    REQUIRE(run(bed, {.of = Of::master, .name = "redis-app-1"})->hand_overs.size() == 1);
    const auto again = run(bed, {.of = Of::master, .name = "redis-app-1"});
    REQUIRE(again.has_value());
    CHECK(again->hand_overs.empty());
    CHECK(role(bed, heir) == "master");
  }

  TEST_CASE("a node is relieved of all its masters in one run") {
    ClusterBed bed(6, 5000);
    form(bed);
    bed.view.members[1].pod.domain.node = "node-0";
    bed.view.members[replica_of(bed, 0)].pod.domain.node = "node-2";
    bed.view.members[replica_of(bed, 1)].pod.domain.node = "node-2";

    const auto outcome = run(bed, {.of = Of::node, .name = "node-0"});

    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(outcome->hand_overs.size() == 2);
    CHECK(role(bed, 0) == "slave");
    CHECK(role(bed, 1) == "slave");
    CHECK(outcome->view.all_agree());
    CHECK(run(bed, {.of = Of::node, .name = "node-0"})->hand_overs.empty());
  }

  TEST_CASE("a hand-over that was interrupted is finished by the next run") {
    for (int stop_at = 0; stop_at < 3; ++stop_at) {
      CAPTURE(stop_at);
      ClusterBed bed(6, 5000);
      form(bed);
      int looks = 0;
      const auto cut = fail_over(
          *bed.cluster(),
          {.wish = {.of = Of::master, .name = "redis-app-2"}},
          {.deadline = steady_clock::now() + 60s, .cancelled = [&] { return looks++ >= stop_at; }});
      if (!cut) {
        CHECK(cut.error().code == ErrorCode::cancelled);
      }
      const auto outcome = run(bed, {.of = Of::master, .name = "redis-app-2"});
      REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
      CHECK(role(bed, 2) == "slave");
    }
  }

  TEST_CASE("a frozen master is passed over with --force, and by a planned hand-over refused") {
    ClusterBed bed(6, 2000);
    form(bed);
    const std::size_t heir = replica_of(bed, 0);
    bed.servers.freeze(0);
    const auto planned = run(bed, {.of = Of::master, .name = "redis-app-0"}, 30s);
    REQUIRE_FALSE(planned.has_value());
    const std::string& name = bed.view.members[heir].pod.name;
    const auto forced = run(bed, {.of = Of::pod, .name = name, .how = TakeOver::force}, 30s);
    bed.servers.thaw(0);
    // An election of the nodes' own may have been quicker: then its master hands over to nobody.
    CHECK_MESSAGE((forced.has_value() || role(bed, heir) == "master"), forced.error().message);
    CHECK(role(bed, heir) == "master");
  }

  TEST_CASE("without a majority a takeover still works") {
    ClusterBed bed(6, 60'000);
    form(bed);
    const std::size_t heir = replica_of(bed, 0);
    const std::string name = bed.view.members[heir].pod.name;
    bed.servers.freeze(0);
    bed.servers.freeze(1);
    const auto outcome = run(bed, {.of = Of::pod, .name = name, .how = TakeOver::takeover}, 40s);
    bed.servers.thaw(0);
    bed.servers.thaw(1);
    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(outcome->silent == std::vector<std::string>{"redis-app-0", "redis-app-1"});
    CHECK(role(bed, heir) == "master");
  }

  TEST_CASE("nothing is done when the user does not agree") {
    ClusterBed bed(6, 5000);
    form(bed);
    const auto outcome =
        fail_over(*bed.cluster(),
                  {.wish = {.of = Of::master, .name = "redis-app-0", .how = TakeOver::force},
                   .agree = [](const auto&) -> Status { return Error::unsafe("no"); }},
                  {.deadline = steady_clock::now() + 60s});
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().message == "no");
    CHECK(role(bed, 0) == "master");
  }
}

}  // namespace
}  // namespace kredis::plugin
