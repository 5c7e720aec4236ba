// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/restart_pod.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;
using testing::pod_name;
using testing::ViewBuilder;

/// A cluster in Redis and its pods in Kubernetes, where a pod that is deleted ends after a while.
struct Bed {
  Bed() : nodes(ViewBuilder::whole(3, 1).build()) {
    for (const core::Member& member : nodes.view.members) {
      kube.put("pods", pod(member.pod.name, member.pod.ip, "first"));
    }
    REQUIRE(cluster.look(observe::Ask::everything, watcher.clock.now() + 10s).has_value());
  }
  static Json pod(const std::string& name, const std::string& ip, const std::string& life) {
    Json object = object_of("Pod", name);
    object["metadata"]["labels"] = {{"app", "redis"}};
    object["metadata"]["uid"] = name + "-" + life;
    object["status"] = {{"phase", "Running"},
                        {"podIP", ip},
                        {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}};
    return object;
  }
  Status restart(int ordinal) {
    return carry_out(core::RestartPod{.pod = pod_name(ordinal)}, site, watcher.conduct());
  }

  ViewedCluster nodes;
  tests::FakeKube kube;
  Watcher watcher;
  observe::Located located{.name = "redis", .namespace_ = "default", .label_selector = "app=redis"};
  observe::Cluster cluster{kube, nodes.redis, located};
  Site site{.kube = &kube, .cluster = &cluster};
};

TEST_SUITE("apply/restart_pod") {
  TEST_CASE("the next pod is looked up anew, at its new address, and what is missing is said") {
    Bed bed;
    const std::string old_ip = bed.nodes.view.members[4].pod.ip;
    // The process is gone at once; its pod ends, the next one comes, and then its node answers.
    bed.nodes.redis.kill(old_ip);
    int sleeps = 0;
    bed.kube.on_change = [&](const std::string&, const std::string& plural, const Json& object) {
      bed.kube.put(plural, object);  // It takes its time to end.
    };
    bed.watcher.clock.on_sleep = [&] {
      ++sleeps;
      if (sleeps == 1) {
        bed.kube.drop("pods", pod_name(4));
      } else if (sleeps == 2) {
        bed.kube.put("pods", Bed::pod(pod_name(4), "10.9.9.9", "second"));
      } else if (sleeps == 3) {
        bed.nodes.move(4, "10.9.9.9");
      }
    };

    REQUIRE(bed.restart(4).has_value());

    CHECK(sleeps == 3);
    CHECK(bed.cluster.view().members[4].pod.ip == "10.9.9.9");
    CHECK(bed.cluster.view().members[4].pod.uid == "redis-app-4-second");
    CHECK(bed.watcher.said() ==
          "    redis-app-4 ends\n"
          "    the next redis-app-4 is not there yet\n"
          "    redis-app-4 does not answer yet\n");
  }

  TEST_CASE("a pod that does not come back ends the waiting with what is missing") {
    Bed bed;
    const Status done = bed.restart(4);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::timeout);
    CHECK(done.error().message == "it took too long: the next redis-app-4 is not there yet");
  }

  TEST_CASE("a pod that may not be deleted is left, and the step is named") {
    Bed bed;
    bed.kube.before = [](const std::string& verb, const ports::ResourcePath&) {
      return verb == "delete" ? Status{Error::invalid_argument("denied")} : Status{};
    };
    const Status done = bed.restart(4);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().context == std::vector<std::string>{"restarting redis-app-4"});
    CHECK(bed.watcher.clock.slept() == 0ms);
  }

  TEST_CASE("a node that does not let us in any more ends the waiting") {
    Bed bed;
    bed.kube.on_change = [&](const std::string&, const std::string& plural, const Json&) {
      bed.kube.put(plural, Bed::pod(pod_name(4), bed.nodes.view.members[4].pod.ip, "second"));
    };
    bed.nodes.redis.put(bed.nodes.view.members[4].pod.ip, [](const core::Command&) {
      return tests::error_reply("NOAUTH Authentication required.");
    });
    const Status done = bed.restart(4);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::unauthorized);
  }
}

}  // namespace
}  // namespace kredis::plugin
