// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/probe.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/sandbox/node/images.hpp"

namespace kredis::sandbox {
namespace {

using Verdict = ProbeCounter::Verdict;
using std::chrono::milliseconds;

TEST_SUITE("sandbox/node/probe") {
  TEST_CASE("a probe that says nothing has Kubernetes' defaults") {
    const ProbeTiming timing = ProbeTiming::of(Json::object());
    CHECK(timing.initial_delay == milliseconds(0));
    CHECK(timing.period == milliseconds(10'000));
    CHECK(timing.timeout == milliseconds(1'000));
    CHECK(timing.success_threshold == 1);
    CHECK(timing.failure_threshold == 3);
  }

  TEST_CASE("failures count only in a row, and the last one allowed changes nothing") {
    ProbeCounter counter({.failure_threshold = 3});
    CHECK(counter.record(ProbeResult::success) == Verdict::passing);
    CHECK(counter.record(ProbeResult::failure) == Verdict::passing);
    CHECK(counter.record(ProbeResult::failure) == Verdict::passing);
    CHECK(counter.record(ProbeResult::success) == Verdict::passing);
    CHECK(counter.record(ProbeResult::failure) == Verdict::passing);
    CHECK(counter.record(ProbeResult::failure) == Verdict::passing);
    CHECK(counter.record(ProbeResult::failure) == Verdict::failing);
  }

  TEST_CASE("a success threshold above one is waited for") {
    ProbeCounter counter({.success_threshold = 2});
    CHECK(counter.record(ProbeResult::success) == Verdict::undecided);
    CHECK(counter.record(ProbeResult::success) == Verdict::passing);
  }

  TEST_CASE("restarts come at once, then after delays that double up to a limit") {
    const milliseconds unit(1'000);
    CHECK(restart_delay(0, unit) == milliseconds(0));
    CHECK(restart_delay(1, unit) == unit);
    CHECK(restart_delay(2, unit) == 2 * unit);
    CHECK(restart_delay(5, unit) == 16 * unit);
    CHECK(restart_delay(6, unit) == 30 * unit);
    CHECK(restart_delay(1'000, unit) == 30 * unit);
  }

}  // TEST_SUITE

TEST_SUITE("sandbox/node/images") {
  TEST_CASE("image names stand for programs of this machine") {
    const ImageTable table({{"redis:8.0", "/roots/redis-8"}}, [](const std::string& program) {
      return program == "redis-server" ? "/usr/bin/redis-server" : "";
    });
    CHECK(table.find("redis")->command == std::vector<std::string>{"redis-server"});
    CHECK(table.find("registry:5000/team/redis:7.2-alpine").has_value());
    CHECK(table.find("redis:8.0")->root == "/roots/redis-8");
    CHECK(table.find("busybox")->command == std::vector<std::string>{"sh"});

    CHECK_FALSE(table.find("nosuch/image").has_value());
    const auto wrong_tag = table.find("redis:no-such-tag");
    REQUIRE_FALSE(wrong_tag.has_value());
    CHECK(wrong_tag.error().message.find("docker.io/library/redis:no-such-tag: not found") !=
          std::string::npos);
  }

  TEST_CASE("redis-server runs under the name of a server of its kin that is not here") {
    const auto only = [](std::string there) {
      return ImageTable({}, [there = std::move(there)](const std::string& program) {
        return program == there ? "/usr/bin/" + program : "";
      });
    };
    using Programs = std::map<std::string, std::filesystem::path>;
    const auto valkey = only("redis-server").find("valkey/valkey:8");
    REQUIRE(valkey.has_value());
    CHECK(valkey->command == std::vector<std::string>{"valkey-server"});
    CHECK(valkey->programs == Programs{{"/usr/local/bin/valkey-server", "/usr/bin/redis-server"}});
    CHECK(only("redis-server").find("redis/redis-stack-server:7.4.0-v1")->programs ==
          Programs{{"/usr/local/bin/redis-stack-server", "/usr/bin/redis-server"}});
    CHECK(only("redis-server").find("redis:7")->programs.empty());
    CHECK(only("valkey-server").find("valkey/valkey:8")->programs.empty());
    CHECK_FALSE(only("sh").find("valkey/valkey:8").has_value());
  }

  TEST_CASE("the webhook's image is the program beside the sandbox") {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("images-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const ImageTable table({}, {}, folder);
    CHECK_FALSE(table.find("kubectl-redis-webhook:0.1.0").has_value());
    std::ofstream(folder / "kubectl-redis-webhook") << "";
    const auto image = table.find("registry:5000/kubectl-redis-webhook:0.1.0");
    std::filesystem::remove_all(folder);
    REQUIRE(image.has_value());
    CHECK(image->programs.at("/kubectl-redis-webhook") == folder / "kubectl-redis-webhook");
    using Argv = std::vector<std::string>;
    CHECK(argv_of(*image, {}, {}) == Argv{"/kubectl-redis-webhook"});
    CHECK(argv_of(*image, {}, {"--help"}) == Argv{"/kubectl-redis-webhook", "--help"});
  }

  TEST_CASE("arguments alone go to the image's server, as its entrypoint does it") {
    const Image redis{.command = {"redis-server"}, .server = "redis-server"};
    using Argv = std::vector<std::string>;
    CHECK(argv_of(redis, {}, {}) == Argv{"redis-server"});
    CHECK(argv_of(redis, {}, {"--appendonly", "yes"}) ==
          Argv{"redis-server", "--appendonly", "yes"});
    CHECK(argv_of(redis, {}, {"/etc/redis/redis.conf"}) ==
          Argv{"redis-server", "/etc/redis/redis.conf"});
    CHECK(argv_of(redis, {}, {"sh", "-c", "true"}) == Argv{"sh", "-c", "true"});
    CHECK(argv_of(redis, {"sleep"}, {"1"}) == Argv{"sleep", "1"});
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
