// SPDX-License-Identifier: Apache-2.0
//
// In the Service & Deployment layout nodes announce their Services' addresses, so a pod that does
// not answer is known by that address alone. A view that lacks it counts the silent pod's copy as
// somebody else's, which stays, and lets the last copy of its slots go.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "shared/policy/guard.hpp"
#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

/// Redis nodes 0 to 2 are masters, 3 to 5 their replicas; this is the shard of master 0.
constexpr int k_master = 0;
constexpr int k_replica = 3;

/// What the guard says to the eviction (or deletion) of a node's pod.
policy::GuardAnswer asked(int node, const std::string& operation, const policy::Look& look) {
  const Json nothing;
  const std::string pod = tests::deployment_pod_name(node);
  const Json deployment = tests::node_deployment(node);
  const bool evicts = operation == "CREATE";
  const policy::Act act{.operation = operation,
                        .resource = "pods",
                        .subresource = evicts ? "eviction" : "",
                        .namespace_name = "shop",
                        .name = pod,
                        .user = "someone",
                        .object = nothing,
                        .before = nothing};
  const policy::Surroundings around{.find = [](auto, auto, auto) { return nullptr; },
                                    .list =
                                        [&deployment](auto kind, auto) {
                                          return kind == "Deployment"
                                                     ? std::vector<const Json*>{&deployment}
                                                     : std::vector<const Json*>{};
                                        }};
  return policy::guard(act, around, look);
}

/// The same sight as one has it who does not know what the Services' addresses are.
policy::Sight without_services(policy::Sight sight) {
  core::ClusterView view = *sight.view;
  for (core::Member& member : view.members) {
    member.pod.announced_ip.clear();
  }
  sight.view = std::make_shared<const core::ClusterView>(std::move(view));
  return sight;
}

/// The pod's container crashed; what its node was is known by its Service alone.
Json crashed(Json pod) {
  pod["status"]["containerStatuses"] = Json::array(
      {{{"name", "redis"}, {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}}}});
  return pod;
}

TEST_SUITE("webhook/silent_pod") {
  TEST_CASE("the last copy of a slot stays though the other copy's pod is silent") {
    struct Case {
      const char* label;
      tests::FakeCluster cluster;
      bool is_crashed;  // The master's container.
      bool is_let_go;   // The master's pod, a moment ago.
      int leaving;      // Whose pod is asked about.
    };
    const tests::FakeCluster whole;
    const tests::FakeCluster torn{.out_of_step = {k_replica}};
    for (const Case& it :
         {Case{"the silent master itself, its replica out of step", torn, false, false, k_master},
          Case{"the replica, the master crashed", whole, true, false, k_replica},
          Case{"the replica, the master let go a moment ago", whole, false, true, k_replica}}) {
      CAPTURE(it.label);
      ObserverBed bed;
      bed.add_deployments(it.cluster);
      if (it.is_crashed) {
        bed.kube.put("pods", crashed(tests::deployment_pod(k_master)));
      }
      bed.redis.kill(tests::FakeCluster::pod_ip(k_master));
      bed.look();
      if (it.is_let_go) {
        bed.observer.let_go("shop", tests::deployment_pod_name(k_master));
      }
      const policy::Look look = [&bed](const Json& of) { return bed.observer.sight(of); };
      for (const char* operation : {"CREATE", "DELETE"}) {
        CAPTURE(operation);
        const auto answer = asked(it.leaving, operation, look);
        REQUIRE(answer.objection.has_value());
        CHECK(answer.objection->severity == policy::RuleSeverity::error);
        CHECK(answer.objection->message ==
              tests::deployment_pod_name(it.leaving) + " holds the last copy of 5461 slots");

        const auto mistaken = asked(it.leaving, operation, [&look](const Json& workload) {
          return without_services(look(workload));
        });
        CHECK(mistaken.concerned);
        CHECK_FALSE(mistaken.objection.has_value());
      }
    }
  }

  TEST_CASE("a silent replica is no copy that its master could leave the slots to") {
    ObserverBed bed;
    bed.add_deployments();
    bed.redis.kill(tests::FakeCluster::pod_ip(k_replica));
    bed.look();
    const policy::Look look = [&bed](const Json& of) { return bed.observer.sight(of); };

    const auto master = asked(k_master, "CREATE", look);
    REQUIRE(master.objection.has_value());
    CHECK(master.objection->rule == "RG002");
    CHECK(master.objection->message ==
          tests::deployment_pod_name(k_master) + " holds the last copy of 5461 slots");
    CHECK(master.again_later);
    CHECK_FALSE(asked(k_replica, "CREATE", look).objection.has_value());
  }

  TEST_CASE("with all pods in sight one copy of each slot may go, and then not the other") {
    ObserverBed bed;
    bed.add_deployments();
    bed.look();
    const policy::Look look = [&bed](const Json& of) { return bed.observer.sight(of); };

    CHECK_FALSE(asked(k_master, "CREATE", look).objection.has_value());
    bed.observer.let_go("shop", tests::deployment_pod_name(k_master));
    CHECK(asked(k_replica, "CREATE", look).objection.has_value());
    // kubectl drain asks again until the pod is gone.
    CHECK_FALSE(asked(k_master, "CREATE", look).objection.has_value());
  }

  TEST_CASE("the Observer's view leads from every announced address to its pod") {
    ObserverBed bed;
    bed.add_deployments();
    bed.redis.kill(tests::FakeCluster::pod_ip(k_master));
    bed.look();
    const policy::Sight sight = bed.observer.sight(tests::node_deployment(0));

    REQUIRE(sight.view != nullptr);
    const core::Topology* const agreed = sight.view->agreed();
    REQUIRE(agreed != nullptr);
    for (const core::Node& node : agreed->nodes()) {
      CAPTURE(node.address.ip);
      const core::Member* const member = sight.view->by_node(node);
      REQUIRE(member != nullptr);
      CHECK(member->pod.announced_ip == node.address.ip);
    }
  }
}

}  // namespace
}  // namespace kredis::webhook
