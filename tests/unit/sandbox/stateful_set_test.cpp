// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/stateful_set.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

using Kind = StatefulSetStep::Kind;
using Steps = std::vector<StatefulSetStep>;

const TimePoint k_now = *parse_time("2026-01-01T00:01:00Z");

Json member(int ordinal, const std::string& revision) {
  Json pod = build::pod("redis-app-" + std::to_string(ordinal), "node-a");
  pod["metadata"]["labels"]["controller-revision-hash"] = revision;
  return pod;
}

Objects ready_members(int count, const std::string& revision) {
  Objects pods;
  for (int i = 0; i < count; ++i) {
    pods.push_back(build::share(build::ready(member(i, revision))));
  }
  return pods;
}

Steps steps_of(const Json& set, const Objects& pods, const std::string& update = "new") {
  return plan_stateful_set(set, pods, update, k_now).steps;
}

}  // namespace

TEST_SUITE("sandbox/stateful_set") {
  TEST_CASE("an ordered set makes one pod and waits until it is ready") {
    const Json set = build::stateful_set(3);
    CHECK(steps_of(set, {}) == Steps{{Kind::create, 0, "new"}});
    CHECK(steps_of(set, {build::share(member(0, "new"))}).empty());
    CHECK(steps_of(set, ready_members(1, "new")) == Steps{{Kind::create, 1, "new"}});
  }

  TEST_CASE("a parallel set makes all its pods at once") {
    Json set = build::stateful_set(3);
    set["spec"]["podManagementPolicy"] = "Parallel";
    CHECK(steps_of(set, {}) ==
          Steps{{Kind::create, 0, "new"}, {Kind::create, 1, "new"}, {Kind::create, 2, "new"}});
  }

  TEST_CASE("an ordered set that shrinks removes the highest ordinal alone") {
    const Json set = build::stateful_set(1);
    CHECK(steps_of(set, ready_members(3, "new")) == Steps{{Kind::remove, 2}});
  }

  TEST_CASE("a rolling update goes down from the highest ordinal and waits for each pod") {
    const Json set = build::stateful_set(3);
    Objects pods = ready_members(3, "old");
    CHECK(steps_of(set, pods) == Steps{{Kind::remove, 2}});
    pods[2] = build::share(member(2, "new"));
    CHECK(steps_of(set, pods).empty());
    pods[2] = build::share(build::ready(member(2, "new")));
    CHECK(steps_of(set, pods) == Steps{{Kind::remove, 1}});
  }

  TEST_CASE("a partition keeps the pods below it as they are") {
    Json set = build::stateful_set(3);
    set["status"]["currentRevision"] = "old";
    set["spec"]["updateStrategy"] = {{"rollingUpdate", {{"partition", 2}}}};
    Objects pods = ready_members(3, "old");
    CHECK(steps_of(set, pods) == Steps{{Kind::remove, 2}});
    pods[2] = build::share(build::ready(member(2, "new")));
    CHECK(steps_of(set, pods).empty());
    pods.erase(pods.begin() + 1);
    CHECK(steps_of(set, pods) == Steps{{Kind::create, 1, "old"}});
  }

  TEST_CASE("OnDelete replaces nothing by itself") {
    Json set = build::stateful_set(2);
    set["spec"]["updateStrategy"] = {{"type", "OnDelete"}};
    CHECK(steps_of(set, ready_members(2, "old")).empty());
  }

  TEST_CASE("minReadySeconds holds the next pod back until its very second") {
    Json set = build::stateful_set(2);
    set["spec"]["minReadySeconds"] = 61;
    const Objects pods = ready_members(1, "new");
    const StatefulSetPlan early = plan_stateful_set(set, pods, "new", k_now);
    CHECK(early.steps.empty());
    CHECK(early.due == k_now + std::chrono::seconds(1));
    CHECK(plan_stateful_set(set, pods, "new", early.due).steps == Steps{{Kind::create, 1, "new"}});
  }

  TEST_CASE("status moves the current revision only when every pod is updated and ready") {
    Json set = build::stateful_set(2);
    set["status"]["currentRevision"] = "old";
    Objects pods = ready_members(2, "new");
    pods[0] = build::share(build::ready(member(0, "old")));
    const Json halfway = stateful_set_status(set, pods, "new", k_now);
    CHECK(halfway["currentRevision"] == "old");
    CHECK(halfway["updatedReplicas"] == 1);
    CHECK(halfway["currentReplicas"] == 1);
    const Json done = stateful_set_status(set, ready_members(2, "new"), "new", k_now);
    CHECK(done["currentRevision"] == "new");
    CHECK(done["readyReplicas"] == 2);
  }

  TEST_CASE("a member carries its name, labels, subdomain and claim") {
    const Json set = build::stateful_set(3);
    const Json pod = stateful_pod(set, at(set, "spec.template"), 2, "redis-app-abc");
    CHECK(name_of(pod) == "redis-app-2");
    CHECK(label_of(pod, "statefulset.kubernetes.io/pod-name") == "redis-app-2");
    CHECK(label_of(pod, "apps.kubernetes.io/pod-index") == "2");
    CHECK(text_at(pod, "spec.subdomain") == "redis-service");
    CHECK(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] ==
          "redis-data-redis-app-2");
    CHECK(name_of(stateful_claims(set, 2).at(0)) == "redis-data-redis-app-2");
  }
}

}  // namespace kredis::sandbox
