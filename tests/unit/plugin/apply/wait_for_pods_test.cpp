// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/wait_for_pods.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

/// A pod of node "n1" that is ready, or says why not.
Json pod(const std::string& name, const std::string& trouble = "") {
  Json object = object_of("Pod", name);
  object["metadata"]["labels"] = {{"app", "redis"}};
  object["spec"] = {{"nodeName", "n1"}, {"containers", {{{"name", "redis"}}}}};
  object["status"] = {{"phase", "Running"},
                      {"conditions",
                       {{{"type", "Ready"},
                         {"status", trouble.empty() ? "True" : "False"},
                         {"message", trouble}}}}};
  return object;
}

Json warning(const std::string& kind, const std::string& name, const std::string& message) {
  return {{"metadata", {{"name", name + ".1"}, {"namespace", "default"}}},
          {"type", "Warning"},
          {"reason", "FailedCreate"},
          {"message", message},
          {"involvedObject", {{"kind", kind}, {"name", name}}}};
}

struct Bed {
  Bed() { kube.clock = &watcher.clock; }
  Status wait(std::uint32_t count) {
    return wait_for_pods(kube,
                         {.namespace_ = "default",
                          .label_selector = "app=redis",
                          .count = count,
                          .workload = "redis-app"},
                         watcher.conduct());
  }
  Watcher watcher;
  tests::FakeKube kube;
};

TEST_SUITE("apply/wait_for_pods") {
  TEST_CASE("pods that are ready are not waited for, and each is said with its node") {
    Bed bed;
    bed.kube.put("pods", pod("redis-app-0"));
    bed.kube.put("pods", pod("redis-app-1"));
    CHECK(bed.wait(2).has_value());
    CHECK(bed.watcher.clock.slept() == 0ms);
    CHECK(bed.watcher.said() == "  redis-app-0  ready on n1\n  redis-app-1  ready on n1\n");
  }

  TEST_CASE("a pod that becomes ready meanwhile ends the waiting, one that goes does not count") {
    Bed bed;
    Json leaving = pod("redis-app-1");
    leaving["metadata"]["deletionTimestamp"] = "2026-11-29T10:00:00Z";
    bed.kube.put("pods", pod("redis-app-0"));
    bed.kube.put("pods", leaving);
    int sleeps = 0;
    bed.watcher.clock.on_sleep = [&] {
      if (++sleeps == 3) {
        bed.kube.put("pods", pod("redis-app-1"));
      }
    };
    CHECK(bed.wait(2).has_value());
    CHECK(sleeps == 3);
    CHECK(contains(bed.watcher.said(), "redis-app-1  is being deleted"));
  }

  TEST_CASE("a stuck pod is named with its node, its reason and how to look at it") {
    Bed bed;
    bed.kube.put("pods", pod("redis-app-0"));
    bed.kube.put("pods", pod("redis-app-1", "the volume is not there"));
    const Status waited = bed.wait(2);
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::timeout);
    CHECK(waited.error().message ==
          "1 of 2 pods became ready in time\n  redis-app-1 on n1: the volume is not there");
    CHECK(contains(waited.error().hint, "kubectl describe pod redis-app-1 -n default"));
    CHECK(bed.watcher.clock.slept() == 60s);
  }

  TEST_CASE("a crashed pod's last words are shown, of the life before where there are some") {
    Bed bed;
    Json crashed = pod("redis-app-0", "containers with unready status");
    crashed["status"]["containerStatuses"] = {
        {{"name", "redis"}, {"restartCount", 2}, {"state", {{"running", Json::object()}}}}};
    bed.kube.put("pods", crashed);
    std::vector<std::string> lives;
    bed.kube.before = [&](const std::string& verb, const ports::ResourcePath& path) {
      if (verb == "logs") {
        lives.push_back(path.subresource);
      }
      return verb == "logs" && path.subresource == "previous" ? Status{Error::not_found("none")}
                                                              : Status{};
    };
    const Status waited = bed.wait(1);
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().message.ends_with("\n      | the last words of redis-app-0"));
    CHECK(lives == std::vector<std::string>{"previous", ""});
  }

  TEST_CASE("a node's trouble goes before its pod's") {
    Bed bed;
    bed.kube.put("pods", pod("redis-app-0", "unready"));
    bed.kube.put(
        "nodes",
        {{"metadata", {{"name", "n1"}}},
         {"status",
          {{"conditions",
            {{{"type", "Ready"}, {"status", "Unknown"}, {"reason", "NodeStatusUnknown"}}}}}}});
    const Status waited = bed.wait(1);
    REQUIRE_FALSE(waited.has_value());
    CHECK(contains(waited.error().message,
                   "redis-app-0 on n1: the node is not ready: NodeStatusUnknown"));
  }

  TEST_CASE("pods that nobody makes are explained by what makes them") {
    Bed bed;
    SUBCASE("with a reason") {
      bed.kube.put("events", warning("StatefulSet", "redis-app", "exceeded quota"));
      bed.kube.put("pods", pod("redis-app-0"));
      const Status waited = bed.wait(3);
      REQUIRE_FALSE(waited.has_value());
      CHECK(contains(waited.error().message, "1 of 3 pods became ready in time"));
      CHECK(contains(waited.error().message, "2 not made: exceeded quota"));
      CHECK(contains(bed.watcher.said(), "redis-app  2 not made: exceeded quota"));
    }
    SUBCASE("without one") {
      const Status waited = bed.wait(3);
      REQUIRE_FALSE(waited.has_value());
      CHECK(contains(waited.error().message, "none was made"));
      CHECK(waited.error().hint == "mend that, then run the same command again");
    }
  }

  TEST_CASE("an API server that restarts is waited for, one that refuses is not") {
    Bed bed;
    bed.kube.put("pods", pod("redis-app-0"));
    Error error = Error::unreachable("connection refused");
    int left = 0;
    SUBCASE("away for a while") { left = 2; }
    SUBCASE("away for good") { left = 1000; }
    SUBCASE("no right") {
      left = 1000;
      error = Error::unauthorized("no permission to watch pods");
    }
    bed.kube.before = [&](const std::string& verb, const ports::ResourcePath&) {
      return verb == "watch" && left-- > 0 ? Status{error} : Status{};
    };
    const Status waited = bed.wait(1);
    const bool is_away = error.code == ErrorCode::unreachable;
    CHECK(contains(bed.watcher.said(), "the API server does not answer") == is_away);
    CHECK(waited.has_value() == (left < 0));
    CHECK((waited.has_value() || waited.error() == error));
  }

  TEST_CASE("who is told to end does not wait for pods") {
    Bed bed;
    bed.kube.put("pods", pod("redis-app-0", "unready"));
    Conduct conduct = bed.watcher.conduct();
    conduct.cancelled = [] { return true; };
    const core::PodsReady state{.namespace_ = "default", .label_selector = "app=redis", .count = 1};
    const Status waited = wait_for_pods(bed.kube, state, conduct);
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::cancelled);
    CHECK(contains(waited.error().message, "1 pod is ready"));
  }
}

}  // namespace
}  // namespace kredis::plugin
