// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/scheduler.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

SchedulerView three_nodes() {
  SchedulerView view;
  for (const char* letter : {"a", "b", "c"}) {
    view.nodes.push_back(
        build::share(build::node(std::string("node-") + letter, std::string("zone-") + letter)));
  }
  return view;
}

Json anti_affinity(const char* strength) {
  const Json term{{"labelSelector", {{"matchLabels", {{"app", "redis"}}}}},
                  {"topologyKey", "kubernetes.io/hostname"}};
  const bool required = std::string(strength) == "required";
  return {{"podAntiAffinity",
           {{std::string(strength) + "DuringSchedulingIgnoredDuringExecution",
             Json::array({required ? term : Json{{"weight", 100}, {"podAffinityTerm", term}}})}}}};
}

Verdict place(SchedulerView& view, Json pod) {
  Verdict verdict = schedule(pod, view);
  if (!verdict.node.empty()) {
    pod["spec"]["nodeName"] = verdict.node;
    view.pods.push_back(build::share(pod));
  }
  return verdict;
}

}  // namespace

TEST_SUITE("sandbox/scheduler") {
  TEST_CASE("schedule spreads six pods with preferred anti-affinity two to a node") {
    SchedulerView view = three_nodes();
    std::map<std::string, int> on;
    for (int i = 0; i < 6; ++i) {
      Json pod = build::pod("redis-app-" + std::to_string(i));
      pod["spec"]["affinity"] = anti_affinity("preferred");
      ++on[place(view, pod).node];
    }
    CHECK(on == std::map<std::string, int>{{"node-a", 2}, {"node-b", 2}, {"node-c", 2}});
  }

  TEST_CASE("schedule refuses a fourth pod with required anti-affinity on three nodes") {
    SchedulerView view = three_nodes();
    for (int i = 0; i < 3; ++i) {
      Json pod = build::pod("redis-app-" + std::to_string(i));
      pod["spec"]["affinity"] = anti_affinity("required");
      CHECK_FALSE(place(view, pod).node.empty());
    }
    Json fourth = build::pod("redis-app-3");
    fourth["spec"]["affinity"] = anti_affinity("required");
    const Verdict verdict = place(view, fourth);
    CHECK(verdict.node.empty());
    CHECK(verdict.message ==
          "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: "
          "0/3 nodes are available: 3 No preemption victims found for incoming pod.");
  }

  TEST_CASE("schedule names each node's own reason") {
    SchedulerView view = three_nodes();
    Json cordoned = *view.nodes[0];
    cordoned["spec"]["unschedulable"] = true;
    Json tainted = *view.nodes[1];
    tainted["spec"]["taints"] = {{{"key", "disk"}, {"value", "slow"}, {"effect", "NoSchedule"}}};
    view.nodes[0] = build::share(cordoned);
    view.nodes[1] = build::share(tainted);
    Json pod = build::pod("big");
    pod["spec"]["containers"][0]["resources"]["requests"] = {{"cpu", "3"}};
    const Verdict verdict = schedule(pod, view);
    CHECK(verdict.message.starts_with(
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {disk: slow}, "
        "1 node(s) were unschedulable."));
  }

  TEST_CASE("schedule lets the last request in that fits exactly and refuses one more") {
    SchedulerView view = three_nodes();
    view.nodes.resize(1);
    Json pod = build::pod("half");
    pod["spec"]["containers"][0]["resources"]["requests"] = {{"cpu", "1"}};
    CHECK(place(view, pod).node == "node-a");
    CHECK(place(view, pod).node == "node-a");
    CHECK(place(view, pod).node.empty());
  }

  TEST_CASE("schedule follows node selectors, tolerations and node affinity") {
    SchedulerView view = three_nodes();
    Json pod = build::pod("picky");
    pod["spec"]["nodeSelector"] = {{"topology.kubernetes.io/zone", "zone-c"}};
    CHECK(schedule(pod, view).node == "node-c");
    pod["spec"].erase("nodeSelector");
    pod["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = {
        {{"weight", 1},
         {"preference",
          {{"matchExpressions",
            {{{"key", "topology.kubernetes.io/zone"},
              {"operator", "In"},
              {"values", {"zone-b"}}}}}}}}};
    CHECK(schedule(pod, view).node == "node-b");
    pod["spec"]["nodeSelector"] = {{"disk", "fast"}};
    CHECK(schedule(pod, view).message.starts_with(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."));
  }

  TEST_CASE("schedule keeps a hard zone spread and refuses what would break it") {
    SchedulerView view = three_nodes();
    Json constraint{{"maxSkew", 1},
                    {"topologyKey", "topology.kubernetes.io/zone"},
                    {"whenUnsatisfiable", "DoNotSchedule"},
                    {"labelSelector", {{"matchLabels", {{"app", "redis"}}}}}};
    std::set<std::string> used;
    for (int i = 0; i < 3; ++i) {
      Json pod = build::pod("spread-" + std::to_string(i));
      pod["spec"]["topologySpreadConstraints"] = {constraint};
      used.insert(place(view, pod).node);
    }
    CHECK(used.size() == 3);
    for (Object& node : view.nodes) {
      Json full = *node;
      full["spec"]["unschedulable"] = name_of(full) != "node-a";
      node = build::share(full);
    }
    Json pod = build::pod("spread-3");
    pod["spec"]["topologySpreadConstraints"] = {constraint};
    CHECK(place(view, pod).node == "node-a");
    pod["metadata"]["name"] = "spread-4";
    CHECK(schedule(pod, view).message.find(
              "1 node(s) didn't match pod topology spread constraints") != std::string::npos);
  }

  TEST_CASE("schedule waits for a claim that has no volume yet") {
    SchedulerView view = three_nodes();
    Json pod = build::pod("stuck");
    pod["spec"]["volumes"] = {
        {{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-0"}}}}};
    CHECK(schedule(pod, view).message.starts_with(
        "0/3 nodes are available: persistentvolumeclaim \"data-0\" not found."));
    view.claims.push_back(
        build::share({{"metadata", {{"name", "data-0"}, {"namespace", "default"}}},
                      {"status", {{"phase", "Pending"}}}}));
    CHECK(schedule(pod, view).message ==
          "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: "
          "0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
  }

  TEST_CASE("schedule keeps a pod where its volume is") {
    SchedulerView view = three_nodes();
    view.claims.push_back(
        build::share({{"metadata", {{"name", "data-0"}, {"namespace", "default"}}},
                      {"spec", {{"volumeName", "local"}}},
                      {"status", {{"phase", "Bound"}}}}));
    view.volumes.push_back(build::share(Json::parse(R"({"metadata": {"name": "local"},
      "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-b"]}]}]}}}})")));
    Json pod = build::pod("bound");
    pod["spec"]["volumes"] = {
        {{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-0"}}}}};
    CHECK(schedule(pod, view).node == "node-b");
  }
}

}  // namespace kredis::sandbox
