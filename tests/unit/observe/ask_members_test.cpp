// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/ask_members.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_cluster.hpp"

namespace kredis::observe {
namespace {

using core::Command;
using core::Reply;

const Command k_nodes{"CLUSTER", "NODES"};
const Command k_cluster{"CLUSTER", "INFO"};
const Command k_info{"INFO"};

struct Bed {
  explicit Bed(const tests::FakeCluster& of = {.masters = 1, .replicas = 1}) : cluster(of) {
    cluster.install(redis);
    for (int i = 0; i < cluster.size(); ++i) {
      view.members.push_back(
          {.pod = {.name = testing::pod_name(i), .ordinal = i, .ip = cluster.pod_ip(i)}});
    }
  }
  /// Pod 0 answers `reply` to `command`, and otherwise as it always does.
  void answer(const Command& command, const Reply& reply) {
    redis.put(cluster.pod_ip(0), [this, command, reply](const Command& asked) {
      return asked == command ? reply : cluster.answer(0, asked);
    });
  }
  const core::Member& ask(Ask what = Ask::everything) {
    Switchboard board(redis, targets_of(view));
    ask_members(board, view, what, ports::Clock::now() + std::chrono::seconds(10));
    return view.members[0];
  }

  tests::FakeCluster cluster;
  tests::FakeRedis redis;
  core::ClusterView view;
};

TEST_SUITE("observe/ask_members") {
  TEST_CASE("everything is the topology, what INFO says, and whether RDB files are written") {
    Bed bed;
    const core::Member& master = bed.ask();
    REQUIRE(master.view.has_value());
    CHECK(master.self()->id == testing::node_id(0));
    REQUIRE(master.cluster.has_value());
    CHECK(master.cluster->known_nodes == 2);
    REQUIRE(master.server.has_value());
    CHECK(master.server->version == "7.4.1");
    CHECK(master.server->keys == 10);
    CHECK(master.server->rdb_enabled == true);
    CHECK_FALSE(master.trouble.has_value());
    const core::Member& replica = bed.view.members[1];
    REQUIRE(replica.server.has_value());
    CHECK(replica.server->role == core::Role::replica);
    CHECK(replica.server->master_link_up);
    CHECK(bed.view.all_agree());
  }

  TEST_CASE("the topology alone keeps what INFO said before") {
    Bed bed;
    bed.ask();
    bed.answer(k_info, tests::error_reply("ERR nobody should ask this"));
    bed.cluster.failed = {1};
    const core::Member& member = bed.ask(Ask::topology);
    CHECK_FALSE(member.trouble.has_value());
    REQUIRE(member.server.has_value());
    CHECK(member.server->keys == 10);
    REQUIRE(member.view.has_value());
    CHECK(member.view->find(testing::node_id(1))->flags.fail);
  }

  TEST_CASE("who does not answer has trouble and keeps nothing of what it said before") {
    Bed bed;
    bed.ask();
    bed.redis.kill(bed.cluster.pod_ip(0));
    const core::Member& member = bed.ask();
    REQUIRE(member.trouble.has_value());
    CHECK(member.trouble->code == ErrorCode::unreachable);
    CHECK(member.trouble->message == "redis-app-0 does not answer");
    CHECK_FALSE(member.view.has_value());
    CHECK_FALSE(member.cluster.has_value());
    CHECK_FALSE(member.server.has_value());
    CHECK(bed.view.members[1].view.has_value());

    bed.cluster.install(bed.redis);
    CHECK_FALSE(bed.ask().trouble.has_value());
  }

  TEST_CASE("an answer that is none is told as the trouble that it is") {
    struct Case {
      const char* label;
      Command command;
      Reply reply;
      ErrorCode code;
      const char* message;
      bool keeps_view;
      bool keeps_server;
    };
    for (const Case& it :
         {Case{"no cluster node",
               k_nodes,
               tests::error_reply("ERR This instance has cluster support disabled"),
               ErrorCode::unsafe,
               "redis-app-0 does not run as a cluster node",
               false,
               true},
          Case{"loading",
               k_nodes,
               tests::error_reply("LOADING Redis is loading the dataset in memory"),
               ErrorCode::unreachable,
               "redis-app-0 is still loading its data set into memory",
               false,
               true},
          Case{"no password",
               k_nodes,
               tests::error_reply("NOAUTH Authentication required."),
               ErrorCode::unauthorized,
               "redis-app-0 asks for a password",
               false,
               true},
          Case{"garbage for nodes",
               k_nodes,
               tests::text_reply("what is this"),
               ErrorCode::protocol,
               "CLUSTER NODES",
               false,
               true},
          Case{"no right to CLUSTER INFO",
               k_cluster,
               tests::error_reply("NOPERM no permissions to run the 'cluster|info' command"),
               ErrorCode::unauthorized,
               "redis-app-0 does not let user default do this",
               false,
               true},
          Case{"garbage for CLUSTER INFO",
               k_cluster,
               tests::text_reply("what is this"),
               ErrorCode::protocol,
               "CLUSTER INFO",
               true,
               true},
          Case{"an error for INFO",
               k_info,
               tests::error_reply("ERR something else"),
               ErrorCode::protocol,
               "redis-app-0 answered: ERR something else",
               true,
               false},
          Case{"garbage for INFO",
               k_info,
               tests::text_reply("what is this"),
               ErrorCode::protocol,
               "INFO: neither redis_version nor role",
               true,
               false}}) {
      CAPTURE(it.label);
      Bed bed;
      bed.answer(it.command, it.reply);
      const core::Member& member = bed.ask();
      REQUIRE(member.trouble.has_value());
      CHECK(member.trouble->code == it.code);
      CHECK(member.trouble->message.find(it.message) != std::string::npos);
      CHECK(member.view.has_value() == it.keeps_view);
      CHECK(member.server.has_value() == it.keeps_server);
    }
  }

  TEST_CASE("a node without cluster mode is told how to get it") {
    Bed bed;
    bed.answer(k_nodes, tests::error_reply("ERR This instance has cluster support disabled"));
    const core::Member& member = bed.ask(Ask::topology);
    REQUIRE(member.trouble.has_value());
    CHECK(member.trouble->hint.find("cluster-enabled yes") != std::string::npos);
  }

  TEST_CASE("a node that may not tell its save points is no trouble") {
    Bed bed;
    bed.answer({"CONFIG", "GET", "save"}, tests::error_reply("NOPERM no permissions"));
    const core::Member& member = bed.ask();
    CHECK_FALSE(member.trouble.has_value());
    REQUIRE(member.server.has_value());
    CHECK_FALSE(member.server->rdb_enabled.has_value());
  }
}

}  // namespace
}  // namespace kredis::observe
