// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/agent.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include "tests/sandbox/node/process.hpp"
#include "tests/unit/sandbox/node_bed.hpp"
#include "tests/unit/sandbox/run_tool.hpp"

namespace kredis::sandbox {
namespace {

std::string redis_cli(const std::string& address, std::vector<std::string> command) {
  std::vector<std::string> arguments = {"timeout", "5", "redis-cli", "-h", address};
  arguments.insert(arguments.end(), command.begin(), command.end());
  return run_tool(arguments);
}

TEST_SUITE("sandbox/node/agent") {
  TEST_CASE("a pod object becomes a redis-server that answers on the pod's own address") {
    NodeBed bed;
    bed.create_config_map("redis-conf", {{"redis.conf", k_redis_conf}});
    bed.create_pod("redis-app-0", redis_spec());
    bed.create_pod("redis-app-1", redis_spec());
    REQUIRE(bed.wait_until_ready("redis-app-0"));
    REQUIRE(bed.wait_until_ready("redis-app-1"));

    const std::string first = text_at(*bed.pod("redis-app-0"), "status.podIP");
    const std::string second = text_at(*bed.pod("redis-app-1"), "status.podIP");
    CHECK(first != second);
    REQUIRE(eventually([&] { return redis_cli(first, {"ping"}) == "PONG\n"; }));
    REQUIRE(eventually([&] { return redis_cli(second, {"ping"}) == "PONG\n"; }));

    CHECK(redis_cli(first, {"cluster", "meet", second, "6379"}) == "OK\n");
    CHECK(eventually([&] {
      const std::string nodes = redis_cli(first, {"cluster", "nodes"});
      return nodes.find(first + ":6379@16379 myself") != std::string::npos &&
             nodes.find(second + ":6379@16379 master") != std::string::npos;
    }));
  }

  TEST_CASE("a killed server is restarted, keeps its address, and its volume") {
    NodeBed bed;
    bed.create_config_map("redis-conf", {{"redis.conf", k_redis_conf}});
    bed.create_pod("redis-app-0", redis_spec());
    REQUIRE(bed.wait_until_ready("redis-app-0"));
    const std::string address = text_at(*bed.pod("redis-app-0"), "status.podIP");
    REQUIRE(eventually([&] { return redis_cli(address, {"ping"}) == "PONG\n"; }));
    const std::string id = redis_cli(address, {"cluster", "myid"});

    const auto place = bed.agent().find("default", "redis-app-0", "");
    REQUIRE(place.has_value());
    ::kill(place->pid, SIGKILL);

    REQUIRE(bed.wait_for("redis-app-0", [](const Object& pod) {
      return number_at(container_status(*pod), "restartCount") == 1 && pod_is_ready(*pod);
    }));
    const Json status = container_status(*bed.pod("redis-app-0"));
    CHECK(number_at(status, "lastState.terminated.exitCode") == 137);
    CHECK(text_at(status, "lastState.terminated.reason") == "Error");
    CHECK(text_at(*bed.pod("redis-app-0"), "status.podIP") == address);
    CHECK(eventually([&] { return redis_cli(address, {"cluster", "myid"}) == id; }));
  }

  TEST_CASE("a deleted pod ends its server before its object goes") {
    NodeBed bed;
    bed.create_config_map("redis-conf", {{"redis.conf", k_redis_conf}});
    bed.create_pod("redis-app-0", redis_spec());
    REQUIRE(bed.wait_until_ready("redis-app-0"));
    const auto place = bed.agent().find("default", "redis-app-0", "");
    REQUIRE(place.has_value());
    // Before it listens it has no handler for SIGTERM, and the first process of a container is deaf
    // then.
    const std::string address = text_at(*bed.pod("redis-app-0"), "status.podIP");
    REQUIRE(eventually([&] { return redis_cli(address, {"ping"}) == "PONG\n"; }));

    bed.delete_pod("redis-app-0", 20);

    REQUIRE(bed.wait_for("redis-app-0", [](const Object& pod) { return pod == nullptr; }));
    CHECK(::kill(place->pid, 0) != 0);
    CHECK(bed.events("Killing") == std::vector<std::string>{"Stopping container redis"});
  }

  TEST_CASE("a pod waits for its ConfigMap and says so") {
    NodeBed bed;
    bed.create_pod("redis-app-0", redis_spec());
    REQUIRE(eventually([&] { return !bed.events("FailedMount").empty(); }));
    CHECK(
        bed.events("FailedMount").front() ==
        "MountVolume.SetUp failed for volume \"redis-conf\" : configmap \"redis-conf\" not found");
    CHECK(text_at(container_status(*bed.pod("redis-app-0")), "state.waiting.reason") ==
          "ContainerCreating");

    bed.create_config_map("redis-conf", {{"redis.conf", k_redis_conf}});
    CHECK(bed.wait_until_ready("redis-app-0"));
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
