// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/wait_for_state.hpp"

#include <doctest/doctest.h>

#include "plugin/apply/object_name.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;
using testing::ViewBuilder;

struct Bed {
  Status wait(core::State state) {
    return carry_out(core::WaitFor{std::move(state)}, site, watcher.conduct());
  }

  Watcher watcher;
  tests::FakeKube kube;
  Site site{.kube = &kube};
};

core::ObjectName stateful_set() { return name_of("StatefulSet", "default", "redis-app"); }

/// A StatefulSet of six whose controller saw its third shape.
Json rolled_out() {
  Json object = object_of("StatefulSet", "redis-app");
  object["metadata"]["generation"] = 3;
  object["spec"]["replicas"] = 6;
  object["status"] = {{"observedGeneration", 3},
                      {"replicas", 6},
                      {"updatedReplicas", 6},
                      {"readyReplicas", 6},
                      {"availableReplicas", 6}};
  return object;
}

TEST_SUITE("apply/wait_for_state") {
  TEST_CASE("a workload is rolled out when its controller saw it and every pod is new and ready") {
    struct Case {
      std::string label;
      std::string pointer;
      Json value;
      bool done;
    };
    for (const Case& each : {Case{"all", "/spec/replicas", 6, true},
                             Case{"unseen", "/status/observedGeneration", 2, false},
                             Case{"an old pod", "/status/updatedReplicas", 5, false},
                             Case{"a pod too many", "/status/replicas", 7, false},
                             Case{"available is enough", "/status/readyReplicas", 0, true},
                             Case{"ready is enough", "/status/availableReplicas", 0, true},
                             Case{"more wanted", "/spec/replicas", 7, false},
                             Case{"no status yet", "/status", Json::object(), false}}) {
      CAPTURE(each.label);
      Bed bed;
      Json object = rolled_out();
      object[Json::json_pointer(each.pointer)] = each.value;
      bed.kube.put("statefulsets", object);
      const Status waited = bed.wait(core::RolledOut{stateful_set()});
      CHECK(waited.has_value() == each.done);
      if (!each.done) {
        CHECK(waited.error().code == ErrorCode::timeout);
        CHECK(contains(waited.error().message, "pods are of the newest revision"));
        CHECK(contains(waited.error().hint,
                       "kubectl describe statefulset.apps/redis-app -n default"));
        CHECK(contains(waited.error().context.back(), "statefulset.apps/redis-app is rolled out"));
      }
    }
  }

  TEST_CASE("a roll-out is followed, and of a workload that is not there nobody waits") {
    Bed bed;
    CHECK(bed.wait(core::RolledOut{stateful_set()}).error().code == ErrorCode::not_found);
    Json object = rolled_out();
    object["status"]["updatedReplicas"] = 4;
    bed.kube.put("statefulsets", object);
    bed.watcher.clock.on_sleep = [&] { bed.kube.put("statefulsets", rolled_out()); };
    CHECK(bed.wait(core::RolledOut{stateful_set()}).has_value());
    CHECK(contains(bed.watcher.said(), "4 of 6 pods are of the newest revision"));
  }

  TEST_CASE("an object that is gone is not waited for, one that goes is watched") {
    Bed bed;
    bed.kube.clock = &bed.watcher.clock;
    CHECK(bed.wait(core::Gone{stateful_set()}).has_value());
    CHECK(bed.watcher.clock.slept() == 0ms);
    bed.kube.put("statefulsets", rolled_out());
    bed.watcher.clock.on_sleep = [&] { bed.kube.drop("statefulsets", "redis-app"); };
    CHECK(bed.wait(core::Gone{stateful_set()}).has_value());
    CHECK(contains(bed.watcher.said(), "waiting until statefulset.apps/redis-app is gone"));
  }

  TEST_CASE("an object that stays is named, with how to look at it") {
    Bed bed;
    bed.kube.clock = &bed.watcher.clock;
    bed.kube.put("statefulsets", rolled_out());
    const Status waited = bed.wait(core::Gone{stateful_set()});
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::timeout);
    CHECK(waited.error().message == "waited in vain until statefulset.apps/redis-app is gone");
    CHECK(contains(waited.error().hint, "kubectl get statefulset.apps/redis-app -n default"));
    bed.kube.refuse("statefulsets", Error::unauthorized("no"));
    CHECK(bed.wait(core::Gone{stateful_set()}).error().code == ErrorCode::unauthorized);
  }

  TEST_CASE("who is told to end does not wait for what goes") {
    Bed bed;
    bed.kube.clock = &bed.watcher.clock;
    bed.kube.put("statefulsets", rolled_out());
    Conduct conduct = bed.watcher.conduct();
    conduct.cancelled = [] { return true; };
    const core::WaitFor step{core::Gone{stateful_set()}};
    CHECK(carry_out(step, bed.site, conduct).error().code == ErrorCode::cancelled);
  }

  TEST_CASE("a field is set when it has a value of any kind") {
    struct Case {
      std::string label;
      Json value;
      bool set;
    };
    for (const Case& each : {Case{"a text", "abc", true},
                             Case{"a number", 0, true},
                             Case{"no", false, true},
                             Case{"null", nullptr, false},
                             Case{"an empty list", Json::array(), false},
                             Case{"an empty object", Json::object(), false}}) {
      CAPTURE(each.label);
      Bed bed;
      Json object = object_of("ConfigMap", "c");
      object["data"] = each.value;
      bed.kube.put("configmaps", object);
      const Status waited = bed.wait(core::FieldSet{
          .object = name_of(object), .pointer = "/data", .meaning = "it is filled in"});
      CHECK(waited.has_value() == each.set);
      if (!each.set) {
        CHECK(contains(waited.error().message, "waiting until it is filled in"));
        CHECK(contains(waited.error().hint, "kubectl get configmap/c -o yaml"));
      }
    }
  }

  TEST_CASE("an object that is not there yet may still get its field, one that is hidden not") {
    Bed bed;
    Json object = object_of("ConfigMap", "c");
    object["data"] = {{"a", "b"}};
    const core::FieldSet state{.object = name_of(object), .pointer = "/data/a", .meaning = "m"};
    bed.watcher.clock.on_sleep = [&] { bed.kube.put("configmaps", object); };
    CHECK(bed.wait(state).has_value());
    bed.kube.refuse("configmaps", Error::unauthorized("no"));
    CHECK(bed.wait(state).error().code == ErrorCode::unauthorized);
  }

  TEST_CASE("a cluster that is not whole is waited for") {
    Bed bed;
    ViewedCluster nodes(
        ViewBuilder::whole(3, 1)
            .edit(4, [](core::Member& member) { member.server->master_link_up = false; })
            .build());
    auto cluster = nodes.cluster();
    bed.site.cluster = &cluster;
    SUBCASE("until it is") {
      bed.watcher.clock.on_sleep = [&] { nodes.view.members[4].server->master_link_up = true; };
      CHECK(bed.wait(core::ClusterWhole{}).has_value());
    }
    SUBCASE("in vain") {
      const Status waited = bed.wait(core::ClusterWhole{});
      REQUIRE_FALSE(waited.has_value());
      CHECK(contains(waited.error().message, "redis-app-4 copies from its master"));
    }
    CHECK(contains(bed.watcher.said(), "redis-app-4 copies from its master"));
  }

  TEST_CASE("a node that does not let us in ends the waiting, one that is away does not") {
    Bed bed;
    ViewedCluster nodes(ViewBuilder::whole(3, 1).build());
    auto cluster = nodes.cluster();
    bed.site.cluster = &cluster;
    const std::string host = nodes.view.members[2].pod.ip;
    SUBCASE("no password") {
      nodes.redis.put(host, [](const core::Command&) {
        return tests::error_reply("NOAUTH Authentication required.");
      });
      const Status waited = bed.wait(core::ClusterWhole{});
      REQUIRE_FALSE(waited.has_value());
      CHECK(waited.error().code == ErrorCode::unauthorized);
      CHECK(bed.watcher.clock.slept() == 0ms);
    }
    SUBCASE("away") {
      nodes.redis.kill(host);
      const Status waited = bed.wait(core::ClusterWhole{});
      REQUIRE_FALSE(waited.has_value());
      CHECK(waited.error().code == ErrorCode::timeout);
      CHECK(contains(waited.error().message, "redis-app-2 does not answer yet"));
    }
  }

  TEST_CASE("pods that cannot be listed for a while are waited for") {
    Bed bed;
    tests::FakeRedis redis;
    const observe::Located located{
        .name = "redis", .namespace_ = "default", .label_selector = "app=redis"};
    observe::Cluster cluster(bed.kube, redis, located);
    bed.site.cluster = &cluster;
    const Status waited = bed.wait(core::ClusterWhole{});
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::timeout);
    CHECK(contains(waited.error().message, "cluster redis has no pods"));
  }
}

}  // namespace
}  // namespace kredis::plugin
