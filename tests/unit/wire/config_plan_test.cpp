// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "shared/wire/config_plan.hpp"

namespace kredis::wire {
namespace {

RedisConf conf(const std::string& text) { return parse_redis_conf(text).value(); }

struct Pair {
  std::string label;
  std::string line;
  std::string name;
  std::string running;
};

std::vector<std::string> pods(const std::vector<PodRestart>& restarts) {
  std::vector<std::string> names;
  for (const PodRestart& restart : restarts) {
    names.push_back(restart.pod);
  }
  return names;
}

}  // namespace

TEST_SUITE("wire/config_plan") {
  TEST_CASE("a value that means the same is no drift") {
    const std::vector<Pair> pairs{
        {"a unit of memory", "maxmemory 1gb", "maxmemory", "1073741824"},
        {"a decimal unit", "maxmemory 1g", "maxmemory", "1000000000"},
        {"a switch in capitals", "appendonly YES", "appendonly", "yes"},
        {"a choice in capitals", "maxmemory-policy AllKeys-LRU", "maxmemory-policy", "allkeys-lru"},
        {"a number with a zero in front",
         "cluster-node-timeout 05000",
         "cluster-node-timeout",
         "5000"},
        {"save points on many lines", "save 300 100\nsave 3600 1", "save", "3600 1 300 100"},
        {"no save points", "save 60 1\nsave \"\"", "save", ""},
        {"one class of buffers",
         "client-output-buffer-limit replica 256mb 64mb 60",
         "client-output-buffer-limit",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
        {"the last line counts", "hz 10\nhz 20", "hz", "20"},
        {"events in another order", "notify-keyspace-events KEA", "notify-keyspace-events", "AKE"}};
    for (const Pair& pair : pairs) {
      CAPTURE(pair.label);
      CHECK(drift_of(conf(pair.line), {{pair.name, pair.running}}).empty());
    }
  }

  TEST_CASE("a value that means something else is drift") {
    const std::vector<Pair> pairs{{"memory", "maxmemory 1g", "maxmemory", "1073741824"},
                                  {"a switch", "appendonly no", "appendonly", "yes"},
                                  {"a save point more", "save 3600 1", "save", "3600 1 300 100"},
                                  {"snapshots off", "save \"\"", "save", "3600 1"},
                                  {"a class of buffers",
                                   "client-output-buffer-limit pubsub 64mb 8mb 60",
                                   "client-output-buffer-limit",
                                   "normal 0 0 0 pubsub 33554432 8388608 60"},
                                  {"a path", "dir /data", "dir", "/DATA"}};
    for (const Pair& pair : pairs) {
      CAPTURE(pair.label);
      const auto drifts = drift_of(conf(pair.line), {{pair.name, pair.running}});
      REQUIRE(drifts.size() == 1);
      CHECK(drifts.front().name == pair.name);
      CHECK(drifts.front().found == pair.running);
    }
  }

  TEST_CASE("what no node tells is left out and named") {
    const RedisConf config = conf("rename-command FLUSHALL \"\"\nhz 10\nuser a on\nuser b on");
    CHECK(wanted_settings(config).size() == 1);
    CHECK(untold_settings(config) == std::vector<std::string>{"rename-command", "user"});
  }

  TEST_CASE("settings are made live and restarts go from replicas to masters") {
    const std::map<std::string, std::string> old{{"hz", "10"}, {"databases", "16"}};
    const std::map<std::string, std::string> done{{"hz", "20"}, {"databases", "1"}};
    const auto plan = plan_config(
        conf("hz 20\ndatabases 1"),
        {{.pod = "m0", .has_replica = true, .running = old},
         {.pod = "m1", .has_replica = true, .running = done},
         {.pod = "r0", .role = core::Role::replica, .running = old},
         {.pod = "r1", .role = core::Role::replica, .running = {{"hz", "10"}, {"databases", "1"}}}},
        {});
    REQUIRE(plan);
    CHECK(pods(plan->restarts) == std::vector<std::string>{"r0", "m0"});
    CHECK_FALSE(plan->restarts.back().is_outage);
    REQUIRE(plan->live.size() == 3);
    CHECK(plan->live[2].pod == "r1");
    CHECK(plan->live[2].drifts.front().wanted == "20");
  }

  TEST_CASE("what differs after it was set live takes a restart") {
    const auto plan = plan_config(
        conf("hz 20"), {{.pod = "m0", .running = {{"hz", "10"}}}}, {}, Attempt::after_live);
    REQUIRE(plan);
    CHECK(plan->live.empty());
    CHECK(pods(plan->restarts) == std::vector<std::string>{"m0"});
  }

  TEST_CASE("a master with slots and without a replica is an outage") {
    const auto plan =
        plan_config(conf("databases 1"), {{.pod = "m0", .running = {{"databases", "16"}}}}, {});
    REQUIRE(plan);
    CHECK(plan->restarts.front().is_outage);
  }

  TEST_CASE("what create refuses is refused with its line, but only where it differs") {
    const std::vector<NodeConfig> nodes{
        {.pod = "m0", .running = {{"cluster-enabled", "yes"}, {"hz", "10"}, {"tls-port", "6379"}}}};
    const auto refused = plan_config(conf("hz 10\ncluster-enabled no"), nodes, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(refused.error().message.find("line 2") != std::string::npos);
    const auto same = plan_config(conf("tls-port 6379\nhz 10"), nodes, {});
    REQUIRE(same);
    CHECK(same->empty());
  }

  TEST_CASE("a setting that the server does not know is refused: it would not start with it") {
    const auto refused = plan_config(conf("events-per-io-thread 2"), {{.pod = "m0"}}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("m0") != std::string::npos);
    CHECK(refused.error().message.find("events-per-io-thread") != std::string::npos);
  }

  TEST_CASE("passwords are known as secrets") {
    CHECK(is_secret_setting("requirepass"));
    CHECK(is_secret_setting("tls-key-file-pass"));
    CHECK_FALSE(is_secret_setting("maxmemory"));
  }
}

}  // namespace kredis::wire
