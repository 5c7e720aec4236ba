// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/gather.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_cluster.hpp"
#include "tests/support/fake_kube.hpp"

namespace kredis::observe {
namespace {

using Names = std::vector<std::string>;

Names names_of(const core::ClusterView& view) {
  Names names;
  for (const core::Member& member : view.members) {
    names.push_back(member.pod.name);
  }
  return names;
}

std::vector<int> ordinals_of(const core::ClusterView& view) {
  std::vector<int> ordinals;
  for (const core::Member& member : view.members) {
    ordinals.push_back(member.pod.ordinal);
  }
  return ordinals;
}

Json unready(Json pod) {
  pod["status"]["conditions"][0]["status"] = "False";
  return pod;
}

Json warning_about(const std::string& pod, const std::string& message) {
  return {{"metadata", {{"name", "event-of-" + pod}, {"namespace", "shop"}}},
          {"type", "Warning"},
          {"reason", "FailedMount"},
          {"message", message},
          {"involvedObject", {{"kind", "Pod"}, {"name", pod}}},
          {"lastTimestamp", "2026-01-01T00:00:00Z"}};
}

Result<core::ClusterView> gathered(tests::FakeKube& kube, const Json& workload) {
  return gather_pods(kube, located_from(std::vector<Json>{workload}));
}

TEST_SUITE("observe/gather") {
  TEST_CASE("pods come in the order of their numbers, ten behind nine") {
    tests::FakeKube kube;
    for (const int ordinal : {10, 2, 9, 0, 1}) {
      kube.put("pods", tests::article_pod(ordinal));
    }
    const auto view = gathered(kube, tests::article_set(5));

    REQUIRE(view.has_value());
    CHECK(ordinals_of(*view) == std::vector<int>{0, 1, 2, 9, 10});
    CHECK(view->name == "redis-app");
    CHECK(view->namespace_ == "shop");
    CHECK(view->members.front().pod.owner == "statefulset/redis-app");
    CHECK(view->members.front().pod.uid == "uid-of-redis-app-0");
    CHECK(view->members.front().pod.announced_ip.empty());
  }

  TEST_CASE("pods whose numbers are no names of their own are numbered as they are sorted") {
    tests::FakeKube kube;
    const Json labels{{"tier", "cache"}};
    const Located bare{
        .name = "bare", .namespace_ = "shop", .label_selector = "tier=cache", .all_selected = true};
    kube.put("pods", tests::pod_json("bare-c", "10.1.0.3", labels));
    kube.put("pods", tests::pod_json("bare-a", "10.1.0.1", labels));
    kube.put("pods", tests::pod_json("bare-7", "10.1.0.2", labels));
    const auto view = gather_pods(kube, bare);

    REQUIRE(view.has_value());
    CHECK(names_of(*view) == Names{"bare-a", "bare-c", "bare-7"});
    CHECK(ordinals_of(*view) == std::vector<int>{0, 1, 2});
    CHECK(view->members.front().pod.owner == "pod/bare-a");
  }

  TEST_CASE("pods that ended are nobody's node, those on their way out are still there") {
    tests::FakeKube kube;
    Json failed = tests::article_pod(1);
    failed["status"]["phase"] = "Failed";
    Json succeeded = tests::article_pod(2);
    succeeded["status"]["phase"] = "Succeeded";
    Json ending = tests::article_pod(3);
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    for (const Json& pod : {tests::article_pod(0), failed, succeeded, ending}) {
      kube.put("pods", pod);
    }
    kube.put("pods", tests::pod_json("stranger-0", "10.1.0.9", {{"app", "other"}}));
    const auto view = gathered(kube, tests::article_set(4));

    REQUIRE(view.has_value());
    CHECK(names_of(*view) == Names{"redis-app-0", "redis-app-3"});
    CHECK_FALSE(view->members[0].pod.ending);
    CHECK(view->members[1].pod.ending);
  }

  TEST_CASE("zones are told where nodes may be seen, and done without where not") {
    tests::FakeKube kube;
    kube.put("pods", tests::article_pod(0));
    kube.put("nodes",
             {{"metadata",
               {{"name", "node-a"}, {"labels", {{"topology.kubernetes.io/zone", "zone-1"}}}}}});
    auto view = gathered(kube, tests::article_set(1));
    REQUIRE(view.has_value());
    CHECK(view->members[0].pod.domain == core::FailureDomain{"node-a", "zone-1"});

    kube.refuse("nodes", Error::unauthorized("nodes is forbidden"));
    view = gathered(kube, tests::article_set(1));
    REQUIRE(view.has_value());
    CHECK(view->members[0].pod.domain == core::FailureDomain{"node-a", ""});
  }

  TEST_CASE("pods that a workload is to have and that are not there are counted") {
    using Missing = std::map<std::string, std::size_t>;
    tests::FakeKube kube;
    for (const int ordinal : {0, 2}) {
      kube.put("pods", tests::article_pod(ordinal));
    }
    SUBCASE("as the workload says now, not as it said when it was located") {
      kube.put("statefulsets", tests::article_set(5));
      CHECK(gathered(kube, tests::article_set(2))->missing_pods ==
            Missing{{"statefulset/redis-app", 3}});
    }
    SUBCASE("none where as many are there, or more") {
      kube.put("statefulsets", tests::article_set(1));
      CHECK(gathered(kube, tests::article_set(6))->missing_pods.empty());
    }
    SUBCASE("none of a workload that is not there, or goes") {
      CHECK(gathered(kube, tests::article_set(6))->missing_pods.empty());
      Json going = tests::article_set(6);
      going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
      kube.put("statefulsets", going);
      CHECK(gathered(kube, tests::article_set(6))->missing_pods.empty());
    }
    SUBCASE("as its annotations ask where it may not be read, and a guess asks for none") {
      kube.refuse("statefulsets", Error::unauthorized("statefulsets is forbidden"));
      CHECK(gathered(kube, tests::article_set(6))->missing_pods.empty());
      Json annotated = tests::article_set(6);
      annotated["metadata"]["annotations"]["kubectl-redis.dev/masters"] = "3";
      annotated["metadata"]["annotations"]["kubectl-redis.dev/replicas"] = "1";
      CHECK(gathered(kube, annotated)->missing_pods == Missing{{"statefulset/redis-app", 4}});
    }
  }

  TEST_CASE("a Deployment whose only pod is not there is counted") {
    tests::FakeKube kube;
    std::vector<Json> workloads;
    for (const int node : {0, 1, 2}) {
      workloads.push_back(tests::node_deployment(node));
      kube.put("deployments", workloads.back());
      kube.put("services", tests::node_service(node));
    }
    kube.put("pods", tests::deployment_pod(0));
    kube.put("pods", tests::deployment_pod(2));
    CHECK(gather_pods(kube, located_from(workloads))->missing_pods ==
          std::map<std::string, std::size_t>{{"deployment/redis-app-1", 1}});
  }

  TEST_CASE("with a Deployment a node each pod announces the address of its own Service") {
    tests::FakeKube kube;
    for (const int node : {1, 0}) {
      kube.put("deployments", tests::node_deployment(node));
      kube.put("pods", tests::deployment_pod(node));
      kube.put("services", tests::node_service(node));
    }
    Json common = tests::node_service(7);
    common["metadata"]["labels"].erase("kubectl-redis.dev/ordinal");
    common["spec"]["clusterIP"] = "None";
    kube.put("services", common);

    SUBCASE("which the Services tell") {
      const auto view = gather_pods(
          kube,
          located_from(std::vector<Json>{tests::node_deployment(0), tests::node_deployment(1)}));
      REQUIRE(view.has_value());
      REQUIRE(view->members.size() == 2);
      CHECK(view->members[1].pod.owner == "deployment/redis-app-1");
      CHECK(view->members[0].pod.announced_ip == "10.96.0.1");
      CHECK(view->members[1].pod.announced_ip == "10.96.0.2");
      CHECK(view->members[1].pod.ip == "10.1.0.2");
      CHECK(std::ranges::count(kube.selectors,
                               "kubectl-redis.dev/cluster=redis,kubectl-redis.dev/ordinal") == 1);
    }
    SUBCASE("and a view without them would mislead, so there is none") {
      kube.refuse("services", Error::unauthorized("services is forbidden"));
      const auto view = gather_pods(
          kube,
          located_from(std::vector<Json>{tests::node_deployment(0), tests::node_deployment(1)}));
      REQUIRE_FALSE(view.has_value());
      CHECK(view.error().code == ErrorCode::unauthorized);
    }
  }

  TEST_CASE("a cluster without pods is told with what says why") {
    tests::FakeKube kube;
    const auto view = gathered(kube, tests::article_set(6));
    REQUIRE_FALSE(view.has_value());
    CHECK(view.error().code == ErrorCode::not_found);
    CHECK(view.error().message == "cluster redis-app has no pods in namespace shop");
    CHECK(view.error().hint == "see why: kubectl describe statefulset/redis-app -n shop");

    kube.refuse("pods", Error::unauthorized("pods is forbidden"));
    CHECK(gathered(kube, tests::article_set(6)).error().code == ErrorCode::unauthorized);
  }

  TEST_CASE("the shape is what annotations say, else what the pods allow") {
    struct Case {
      const char* label;
      Json annotations;
      core::Shape wanted;
    };
    for (const Case& it :
         {Case{"annotated",
               {{"kubectl-redis.dev/masters", "5"}, {"kubectl-redis.dev/replicas", "2"}},
               {5, 2, false}},
          Case{"nothing said", Json::object(), {3, 1, true}},
          Case{"half said", {{"kubectl-redis.dev/masters", "5"}}, {3, 1, true}},
          Case{"no numbers",
               {{"kubectl-redis.dev/masters", "x"}, {"kubectl-redis.dev/replicas", "1"}},
               {3, 1, true}}}) {
      CAPTURE(it.label);
      tests::FakeKube kube;
      for (int i = 0; i < 6; ++i) {
        kube.put("pods", tests::article_pod(i));
      }
      Json workload = tests::article_set(6);
      workload["metadata"]["annotations"] = it.annotations;
      const auto view = gathered(kube, workload);
      REQUIRE(view.has_value());
      CHECK(view->shape.masters == it.wanted.masters);
      CHECK(view->shape.replicas == it.wanted.replicas);
      CHECK(view->shape.inferred == it.wanted.inferred);
    }
  }

  TEST_CASE("shape_for takes what is wanted before what is there") {
    const auto view = testing::ViewBuilder::whole(3, 1).build();
    struct Case {
      const char* label;
      core::Shape wanted;
      std::uint32_t masters;
      std::uint32_t replicas;
    };
    for (const Case& it : {Case{"masters named", {2, 2, false}, 2, 2},
                           Case{"nothing named", {0, 0, true}, 3, 1},
                           Case{"replicas named", {0, 2, false}, 2, 2},
                           Case{"no replicas", {0, 0, false}, 6, 0}}) {
      CAPTURE(it.label);
      const core::Shape shape = shape_for(view, it.wanted);
      CHECK(shape.masters == it.masters);
      CHECK(shape.replicas == it.replicas);
    }
  }

  TEST_CASE("explain_unready fetches the events of pods that are not ready, and of no others") {
    tests::FakeKube kube;
    kube.put("pods", tests::article_pod(0));
    kube.put("pods", unready(tests::article_pod(1)));
    kube.put("events", warning_about("redis-app-0", "an old story"));
    kube.put("events", warning_about("redis-app-1", "no such volume"));
    const Located located = located_from(tests::article_set(2));
    auto view = gather_pods(kube, located);
    REQUIRE(view.has_value());

    SUBCASE("in one line") {
      explain_unready(kube, located, *view);
      CHECK(view->members[0].pod.trouble.empty());
      CHECK(view->members[1].pod.trouble == "FailedMount: no such volume");
    }
    SUBCASE("and leaves what is known where events may not be seen") {
      view->members[1].pod.trouble = "not ready";
      kube.refuse("events", Error::unauthorized("events is forbidden"));
      explain_unready(kube, located, *view);
      CHECK(view->members[1].pod.trouble == "not ready");
    }
    SUBCASE("and asks for nothing where all are ready") {
      view->members[1].pod.ready = true;
      const std::size_t lists = kube.selectors.size();
      explain_unready(kube, located, *view);
      CHECK(kube.selectors.size() == lists);
    }
  }
}

}  // namespace
}  // namespace kredis::observe
