// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "plugin/operations/init/await_links.hpp"
#include "tests/support/cluster_bed.hpp"

namespace kredis::plugin {
namespace {

using std::chrono::steady_clock;
using tests::ClusterBed;
using namespace std::chrono_literals;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check_whole(const ClusterBed& bed, const char* node_timeout) {
  for (std::size_t node = 0; node < bed.view.members.size(); ++node) {
    CAPTURE(node);
    CHECK(contains(bed.ask(node, {"CLUSTER", "INFO"}).text, "cluster_state:ok"));
    CHECK(bed.setting(node, "cluster-node-timeout") == node_timeout);
  }
}

TEST_SUITE("operations/init") {
  TEST_CASE("six strangers become one cluster, and once more changes nothing") {
    ClusterBed bed(6, 5000);

    const auto outcome = bed.init(3);

    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(outcome->changed);
    CHECK(lacking(outcome->view).empty());
    CHECK(misunderstood(outcome->view).empty());
    CHECK(links_down(outcome->view) == 0);
    CHECK(bed.setting(0, "repl-diskless-sync-delay") == "5");
    check_whole(bed, "5000");

    const auto again = bed.init(3);
    REQUIRE(again.has_value());
    CHECK_FALSE(again->changed);
    CHECK(again->placement == outcome->placement);
  }

  TEST_CASE("init that is interrupted anywhere is finished by the next one") {
    for (int stop_at = 0; stop_at < 6; ++stop_at) {
      CAPTURE(stop_at);
      ClusterBed bed(6, 5000);
      int looks = 0;
      const auto cut = initialise(
          *bed.cluster(),
          nullptr,
          {.shape = {.masters = 3, .replicas = 1}},
          {.deadline = steady_clock::now() + 60s, .cancelled = [&] { return looks++ >= stop_at; }});
      if (!cut) {
        CHECK(cut.error().code == ErrorCode::cancelled);
        CHECK(contains(cut.error().hint, "run the same command again"));
      }
      const auto outcome = bed.init(3);
      REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
      check_whole(bed, "5000");
    }
  }

  TEST_CASE("a short node timeout that an earlier run left behind is put right") {
    ClusterBed bed(6, 5000);
    REQUIRE(bed.init(3).has_value());
    bed.ask(1, {"CONFIG", "SET", "cluster-node-timeout", "507"});
    bed.ask(4, {"CONFIG", "SET", "cluster-node-timeout", "207"});

    const auto outcome =
        initialise(*bed.cluster(),
                   nullptr,
                   {.shape = {.masters = 3, .replicas = 1}, .configured_node_timeout = 5000ms},
                   {.deadline = steady_clock::now() + 60s});

    REQUIRE(outcome.has_value());
    CHECK_FALSE(outcome->changed);
    check_whole(bed, "5000");
  }

  TEST_CASE("nodes whose CONFIG is renamed form a cluster all the same") {
    ClusterBed bed(6, 1000, {"--rename-command", "CONFIG", ""});
    const auto outcome = bed.init(3);
    REQUIRE_MESSAGE(outcome.has_value(), outcome.error().message);
    CHECK(lacking(outcome->view).empty());
  }

  TEST_CASE("a node that holds keys is refused by name and nothing is changed") {
    ClusterBed bed(6, 5000);
    REQUIRE(bed.ask(2, {"CLUSTER", "ADDSLOTS", "12182"}).is_ok());  // The slot of "foo".
    REQUIRE(bed.ask(2, {"CONFIG", "SET", "cluster-require-full-coverage", "no"}).is_ok());
    std::string stored;
    for (int tries = 0; tries < 200 && stored != "OK"; ++tries) {
      stored = bed.ask(2, {"SET", "foo", "bar"}).text;
      std::this_thread::sleep_for(50ms);
    }
    REQUIRE(stored == "OK");
    REQUIRE(bed.ask(2, {"CLUSTER", "DELSLOTS", "12182"}).is_ok());

    const auto outcome = bed.init(3);

    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::unsafe);
    CHECK(contains(outcome.error().message, "redis-app-2"));
    CHECK(contains(bed.ask(0, {"CLUSTER", "INFO"}).text, "cluster_known_nodes:1\r\n"));
    CHECK(contains(bed.ask(0, {"CLUSTER", "INFO"}).text, "cluster_slots_assigned:0\r\n"));
  }

  TEST_CASE("a node that is no cluster node is refused by name") {
    ClusterBed bed(3, 5000, {"--cluster-enabled", "no"});
    const auto outcome = bed.init(3);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(contains(outcome.error().message, "does not run as a cluster node"));
  }

  TEST_CASE("a node that does not answer is named, within the deadline") {
    ClusterBed bed(6, 5000);
    bed.servers.freeze(4);
    const auto outcome = bed.init(3, 2s);
    bed.servers.thaw(4);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(contains(outcome.error().message, "redis-app-4"));
  }

  TEST_CASE("a bus port that nobody reaches is named instead of waiting for ever") {
    // Every node says that its bus is at port 1, where nothing listens.
    ClusterBed bed(6, 5000, {"--cluster-announce-bus-port", "1"});
    const auto outcome = bed.init(3, 3s);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::timeout);
    CHECK(contains(outcome.error().message, "cannot reach the bus port 1 of redis-app-"));
    CHECK(contains(outcome.error().hint, "NetworkPolicy"));
  }
}

}  // namespace
}  // namespace kredis::plugin
