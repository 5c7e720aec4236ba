// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/move_way.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/whole.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/core/plans/plan_fix.hpp"
#include "shared/core/plans/plan_slots.hpp"
#include "shared/core/running_jobs.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::pod_name;
using testing::ViewBuilder;

/// Three masters with a replica each, all of that kind.
ClusterView cluster_of(const std::string& server, const std::string& version) {
  ClusterView view = ViewBuilder::whole(3, 1).build();
  for (Member& member : view.members) {
    member.server->server = server;
    member.server->version = version;
  }
  return view;
}

std::vector<MoveSlots> one_move() {
  return {{.pod = pod_name(0),
           .source = node_id(0),
           .target_pod = pod_name(1),
           .target = node_id(1),
           .slots = *SlotSet::parse("0-99")}};
}

/// Which way the move takes, and why, for people.
std::string chosen(const ClusterView& view, const WayWish& wish = {}) {
  std::vector<MoveSlots> moves = one_move();
  const Status done = choose_ways(view, wish, moves);
  return done ? way_text(moves.front()) : "error: " + done.error().message;
}

TEST_SUITE("core/move_way") {
  TEST_CASE("a version is read from what the server says, or is not known") {
    const auto at = [](const std::string& version) {
      return version_of(ServerInfo{.version = version});
    };
    CHECK(at("9.1.2") == Version{9, 1, 2});
    CHECK(at("8.4") == Version{8, 4, 0});
    CHECK(at("10.0.0") > Version{9, 9, 9});
    CHECK_FALSE(at("").has_value());
    CHECK_FALSE(at("unstable").has_value());
  }

  TEST_CASE("which servers can, and which end is told") {
    const auto end = [](const std::string& server, const std::string& version) {
      return job_end(ServerInfo{.server = server, .version = version});
    };
    CHECK(end("valkey", "9.0.0") == JobEnd::source);
    CHECK(end("valkey", "8.1.4") == std::nullopt);
    CHECK(end("redis", "8.4.0") == JobEnd::target);
    CHECK(end("redis", "8.3.9") == std::nullopt);
    CHECK(end("redis", "") == std::nullopt);
    CHECK(end("another", "9.9.9") == std::nullopt);
  }

  TEST_CASE("atomically where both ends and their replicas can") {
    CHECK(chosen(cluster_of("valkey", "9.1.2")) == "atomically: both are Valkey 9.1");
    CHECK(chosen(cluster_of("redis", "8.6.3")) == "atomically: both are Redis 8.6");
    CHECK(chosen(cluster_of("redis", "7.0.15")) == "key by key: redis-app-0 is Redis 7.0");
  }

  TEST_CASE("key by key where one of those concerned cannot, or nobody knows") {
    ClusterView view = cluster_of("valkey", "9.1.2");
    SUBCASE("the target is older") {
      view.members[1].server->version = "8.1.4";
      CHECK(chosen(view) == "key by key: redis-app-1 is Valkey 8.1");
    }
    SUBCASE("of two families") {
      view.members[1].server->server = "redis";
      CHECK(chosen(view) == "key by key: redis-app-0 is Valkey 9.1 and redis-app-1 Redis 9.1");
    }
    SUBCASE("a replica that could become the target is older") {
      view.members[4].server->version = "8.1.4";
      CHECK(chosen(view) == "key by key: redis-app-4, which follows redis-app-1, is Valkey 8.1");
    }
    SUBCASE("a replica of somebody else does not matter") {
      view.members[5].server->version = "8.1.4";
      CHECK(chosen(view) == "atomically: both are Valkey 9.1");
    }
    SUBCASE("a server that did not say") {
      view.members[0].server.reset();
      CHECK(chosen(view) == "key by key: it is not known what redis-app-0 runs");
    }
    SUBCASE("a slot of one of them is open") {
      edit_nodes(view.members[1])[1].open_slots.push_back(
          {.slot = 7, .direction = OpenSlot::Direction::importing, .other = node_id(2)});
      CHECK(chosen(view) == "key by key: slot 7 is half moved already on redis-app-1");
    }
    SUBCASE("the source could not log in") {
      view.members[1].server->wants_password = true;
      view.members[0].server->gives_password = false;
      CHECK(chosen(view) ==
            "key by key: redis-app-0 has no masterauth to log in with at redis-app-1");
      view.members[0].server->gives_password = true;
      CHECK(chosen(view) == "atomically: both are Valkey 9.1");
    }
    SUBCASE("threads break jobs off up to 9.1.1") {
      view.members[0].server->io_threads = 4;
      CHECK(chosen(view) == "atomically: both are Valkey 9.1");
      view.members[0].server->version = "9.1.1";
      CHECK(chosen(view) ==
            "key by key: redis-app-0 is 9.1.1 with io-threads, which breaks such jobs off");
      view.members[0].server->io_threads = 1;
      CHECK(chosen(view) == "atomically: both are Valkey 9.1");
    }
  }

  TEST_CASE("Redis' nodes know a secret of their own") {
    ClusterView view = cluster_of("redis", "8.6.3");
    view.members[1].server->wants_password = true;
    view.members[0].server->gives_password = false;
    CHECK(chosen(view) == "atomically: both are Redis 8.6");
  }

  TEST_CASE("a plan says which way, and why") {
    std::vector<MoveSlots> moves = one_move();
    REQUIRE(choose_ways(cluster_of("valkey", "9.1.2"), {}, moves).has_value());
    const std::vector<Stage> stages = stages_of(moves, "every master has its share");
    REQUIRE(stages.size() == 1);
    CHECK(to_text(stages[0].steps[0]) == "move_slots redis-app-0 redis-app-1 0-99 atomically");
    CHECK(stages[0].steps[0].reason ==
          "every master has its share; atomically: both are Valkey 9.1");
  }

  TEST_CASE("what was asked for counts, or is wrong usage") {
    const ClusterView able = cluster_of("valkey", "9.1.2");
    CHECK(chosen(able, {.how = MoveWay::classic}) == "key by key: as asked for");
    CHECK(chosen(able, {.how = MoveWay::atomic}) == "atomically: both are Valkey 9.1");
    CHECK(chosen(able, {.bounded_by = "--bandwidth"}) ==
          "key by key: only so is --bandwidth heeded");
    CHECK(chosen(able, {.how = MoveWay::atomic, .bounded_by = "--bandwidth"}) ==
          "error: --how atomic cannot be: only so is --bandwidth heeded");
    std::vector<MoveSlots> moves = one_move();
    const Status refused =
        choose_ways(cluster_of("redis", "7.0.15"), {.how = MoveWay::atomic}, moves);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(refused.error().message == "--how atomic cannot be: redis-app-0 is Redis 7.0");
  }

  TEST_CASE("while a job runs it is told, nothing is mended, and neither end hands over") {
    ClusterView view = cluster_of("valkey", "9.1.2");
    CHECK(running_jobs(view).empty());
    CHECK_FALSE(job_of(view, node_id(0)).has_value());
    view.members[0].jobs.push_back({.id = "5",
                                    .slots = *SlotSet::parse("0-99"),
                                    .source = node_id(0),
                                    .target = node_id(1),
                                    .words = "snapshotting"});

    REQUIRE(running_jobs(view).size() == 1);
    const RunningJob running = running_jobs(view).front();
    CHECK(job_text(view, running) == "slots 0-99 from redis-app-0 to redis-app-1 (snapshotting)");
    CHECK(cancel_command(view, running) ==
          "kubectl redis cli redis -n default --pod redis-app-0 -- CLUSTER CANCELSLOTMIGRATIONS");
    CHECK(job_of(view, node_id(1)).has_value());
    CHECK_FALSE(job_of(view, node_id(2)).has_value());
    CHECK(not_whole(view) == "redis-app-0 moves slots 0-99 with another node");

    const std::vector<Finding> findings = find_trouble(view);
    const auto found = std::ranges::find(findings, "slots-moving", &Finding::id);
    REQUIRE(found != findings.end());
    CHECK(found->severity == Severity::info);
    const FixPlan fix = plan_fix(view, {}, {});
    CHECK(fix.empty());
    REQUIRE(fix.refused.size() == 1);
    CHECK(fix.refused.front().finding == "slots-moving");
    CHECK(fix.refused.front().why.message.starts_with("the servers move slots 0-99"));

    for (const int master : {0, 1}) {
      const auto plan =
          plan_hand_overs(view, {.of = FailoverWish::Of::master, .name = pod_name(master)});
      REQUIRE_FALSE(plan.has_value());
      CHECK(plan.error().message.find("cannot hand over meanwhile") != std::string::npos);
    }
    CHECK(plan_hand_overs(view, {.of = FailoverWish::Of::master, .name = pod_name(2)}).has_value());
  }

  TEST_CASE("a job of Redis is ended at its target, by its id") {
    ClusterView view = cluster_of("redis", "8.6.3");
    view.members[1].jobs.push_back({.id = "5f", .source = node_id(0), .target = node_id(1)});
    CHECK(cancel_command(view, running_jobs(view).front()) ==
          "kubectl redis cli redis -n default --pod redis-app-1 -- CLUSTER MIGRATION CANCEL ID 5f");
  }
}

}  // namespace
}  // namespace kredis::core
