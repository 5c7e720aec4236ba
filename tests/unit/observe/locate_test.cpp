// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/locate.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/fake_cluster.hpp"
#include "tests/support/fake_kube.hpp"

namespace kredis::observe {
namespace {

Json set_named(const std::string& name, const Json& labels = Json::object()) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", {{"name", name}, {"namespace", "shop"}, {"labels", labels}}},
          {"spec", {{"selector", {{"matchLabels", {{"app", name}}}}}}}};
}

Json ours(const std::string& instance) {
  return {{"app.kubernetes.io/managed-by", "kubectl-redis"},
          {"app.kubernetes.io/instance", instance}};
}

Json owned_by(const std::string& pod, const std::string& kind, const std::string& owner) {
  Json object = tests::pod_json(pod, "10.1.0.9", {{"tier", "cache"}});
  object["metadata"]["ownerReferences"] = Json::array({{{"kind", kind}, {"name", owner}}});
  return object;
}

std::string workload_of(const Located& located) {
  return text_at(located.workload, "/kind") + "/" + text_at(located.workload, "/metadata/name");
}

TEST_SUITE("observe/locate") {
  TEST_CASE("a name means what create made, then NAME-app, then NAME itself") {
    tests::FakeKube kube;
    kube.put("statefulsets", set_named("cache"));
    const auto plain = locate(kube, "shop", "cache");
    REQUIRE(plain.has_value());
    CHECK(workload_of(*plain) == "StatefulSet/cache");
    CHECK(plain->name == "cache");
    CHECK(plain->label_selector == "app=cache");

    kube.put("statefulsets", set_named("cache-app"));
    const auto article = locate(kube, "shop", "cache");
    REQUIRE(article.has_value());
    CHECK(workload_of(*article) == "StatefulSet/cache-app");

    kube.put("statefulsets", set_named("cache-nodes", ours("cache")));
    const auto made = locate(kube, "shop", "cache");
    REQUIRE(made.has_value());
    CHECK(workload_of(*made) == "StatefulSet/cache-nodes");
    CHECK(made->name == "cache");
  }

  TEST_CASE("a cluster of Deployments is one, and its selector leaves the node's own label out") {
    tests::FakeKube kube;
    kube.put("deployments", tests::node_deployment(0));
    kube.put("deployments", tests::node_deployment(1));
    const auto found = locate(kube, "shop", "redis");

    REQUIRE(found.has_value());
    CHECK(found->name == "redis");
    CHECK(found->namespace_ == "shop");
    CHECK(workload_of(*found) == "Deployment/redis-app-0");
    CHECK(found->label_selector == "kubectl-redis.dev/cluster=redis");
  }

  TEST_CASE("a name that nothing has is told with what lists and what makes clusters") {
    tests::FakeKube kube;
    kube.put("statefulsets", set_named("other"));
    const auto found = locate(kube, "shop", "cache");

    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::not_found);
    CHECK(found.error().message == "there is no cluster cache in namespace shop");
    CHECK(found.error().hint.find("kubectl redis status -A") != std::string::npos);
    CHECK(found.error().hint.find("kubectl redis create cache") != std::string::npos);
  }

  TEST_CASE("what the API server refuses is not taken for absence") {
    for (const char* plural : {"statefulsets", "deployments", "pods"}) {
      CAPTURE(plural);
      tests::FakeKube kube;
      kube.put("pods", owned_by("a-0", "StatefulSet", "a"));
      kube.refuse(plural, Error::unauthorized("you may not"));
      const std::string what = plural;
      const auto found =
          what == "pods" ? locate_by_pod(kube, "shop", "a-0") : locate(kube, "shop", "cache");
      REQUIRE_FALSE(found.has_value());
      CHECK(found.error().code == ErrorCode::unauthorized);
    }
  }

  TEST_CASE("a selector leads to the one StatefulSet that owns its pods") {
    tests::FakeKube kube;
    kube.put("statefulsets", set_named("store"));
    kube.put("pods", owned_by("store-0", "StatefulSet", "store"));
    kube.put("pods", owned_by("store-1", "StatefulSet", "store"));
    const auto found = locate_by_selector(kube, "shop", "tier=cache");

    REQUIRE(found.has_value());
    CHECK(found->name == "store");
    CHECK(workload_of(*found) == "StatefulSet/store");
    // The pods that were asked for, not all that the workload has.
    CHECK(found->label_selector == "tier=cache");
  }

  TEST_CASE("a selector over several workloads is one cluster of all of them") {
    tests::FakeKube kube;
    kube.put("statefulsets", set_named("shop-follower"));
    kube.put("statefulsets", set_named("shop-leader"));
    kube.put("pods", owned_by("shop-follower-0", "StatefulSet", "shop-follower"));
    kube.put("pods", owned_by("shop-leader-0", "StatefulSet", "shop-leader"));
    const auto found = locate_by_selector(kube, "shop", "tier=cache");

    REQUIRE(found.has_value());
    CHECK(found->all_selected);
    CHECK(found->owners ==
          std::vector<Owner>{{"StatefulSet", "shop-leader"}, {"StatefulSet", "shop-follower"}});
    CHECK(workload_of(*found) == "StatefulSet/shop-leader");
    CHECK(found->label_selector == "tier=cache");
  }

  TEST_CASE("pods of no workload that we read are a cluster, described by the first of them") {
    tests::FakeKube kube;
    kube.put("pods", tests::pod_json("bare-b", "10.1.0.1", {{"tier", "cache"}}));
    kube.put("pods", owned_by("set-a", "InstanceSet", "set"));
    const auto found = locate_by_selector(kube, "shop", "tier=cache");

    REQUIRE(found.has_value());
    CHECK(found->name == "bare-b");
    CHECK(found->owners == std::vector<Owner>{{"Pod", "bare-b"}, {"InstanceSet", "set"}});
    CHECK(text_at(found->workload, "/spec/template/spec/containers/0/name") == "redis");
  }

  TEST_CASE("a name is a Deployment's, too, or that of whatever else makes pods, or a pod's") {
    tests::FakeKube kube;
    Json deployment = set_named("rn-1");
    deployment["kind"] = "Deployment";
    kube.put("deployments", deployment);
    kube.put("pods", owned_by("inst-0", "InstanceSet", "inst"));
    kube.put("pods", tests::pod_json("bare-0", "10.1.0.1", {{"tier", "cache"}}));

    const auto one = locate(kube, "shop", "rn-1");
    REQUIRE(one.has_value());
    CHECK(one->owners == std::vector<Owner>{{"Deployment", "rn-1"}});
    const auto other = locate(kube, "shop", "inst");
    REQUIRE(other.has_value());
    CHECK(other->owners == std::vector<Owner>{{"InstanceSet", "inst"}});
    const auto bare = locate(kube, "shop", "bare-0");
    REQUIRE(bare.has_value());
    CHECK(bare->owners == std::vector<Owner>{{"Pod", "bare-0"}});
  }

  TEST_CASE("of pods with the same labels a name means those that its workload owns") {
    tests::FakeKube kube;
    kube.put("statefulsets", set_named("alpha"));
    const auto found = locate(kube, "shop", "alpha");
    REQUIRE(found.has_value());
    CHECK(found->has(owned_by("alpha-0", "StatefulSet", "alpha")));
    CHECK_FALSE(found->has(owned_by("beta-0", "StatefulSet", "beta")));
    // The workload is about to adopt it.
    CHECK(found->has(tests::pod_json("alpha-1", "10.1.0.1", Json::object())));
  }

  TEST_CASE("a selector that matches no pod is told with what shows their labels") {
    tests::FakeKube kube;
    const auto found = locate_by_selector(kube, "shop", "tier=none");
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::not_found);
    CHECK(found.error().message == "no pod in namespace shop matches tier=none");
    CHECK(found.error().hint == "kubectl get pods -n shop --show-labels");
  }

  TEST_CASE("a pod leads to its cluster by its labels, its owner, or to itself") {
    tests::FakeKube kube;
    kube.put("deployments", tests::node_deployment(0));
    kube.put("deployments", tests::node_deployment(3));
    kube.put("pods", tests::deployment_pod(3));
    kube.put("statefulsets", tests::article_set(6));
    kube.put("pods", owned_by("redis-app-4", "StatefulSet", "redis-app"));
    kube.put("pods", tests::pod_json("alone", "10.1.0.8", Json::object()));

    const auto labelled = locate_by_pod(kube, "shop", tests::deployment_pod_name(3));
    REQUIRE(labelled.has_value());
    CHECK(labelled->name == "redis");
    CHECK(labelled->label_selector == "kubectl-redis.dev/cluster=redis");
    const auto owned = locate_by_pod(kube, "shop", "redis-app-4");
    REQUIRE(owned.has_value());
    CHECK(owned->name == "redis-app");
    const auto alone = locate_by_pod(kube, "shop", "alone");
    REQUIRE(alone.has_value());
    CHECK(alone->name == "alone");
    CHECK(alone->owners == std::vector<Owner>{{"Pod", "alone"}});
    const auto nobody = locate_by_pod(kube, "shop", "nobody");
    REQUIRE_FALSE(nobody.has_value());
    CHECK(nobody.error().code == ErrorCode::not_found);
  }

  TEST_CASE("locate_all names each cluster once, in every namespace, and never the webhook") {
    tests::FakeKube kube;
    kube.put("statefulsets", tests::article_set(6));
    Json elsewhere = tests::article_set(6);
    elsewhere["metadata"]["namespace"] = "other";
    kube.put("statefulsets", elsewhere);
    kube.put("statefulsets", set_named("stranger"));
    for (const int node : {0, 1, 2}) {
      kube.put("deployments", tests::node_deployment(node));
    }
    Json webhook = set_named("kubectl-redis-webhook");
    webhook["kind"] = "Deployment";
    webhook["metadata"]["labels"] = {{"app.kubernetes.io/managed-by", "kubectl-redis"}};
    kube.put("deployments", webhook);

    const auto names = [&kube](const std::string& namespace_) {
      std::vector<std::string> all;
      const auto found = locate_all(kube, namespace_);
      for (const Located& each : found ? *found : std::vector<Located>{}) {
        all.push_back(each.namespace_ + "/" + each.name);
      }
      std::ranges::sort(all);
      return all;
    };
    CHECK(names("") == std::vector<std::string>{"other/redis-app", "shop/redis", "shop/redis-app"});
    CHECK(names("other") == std::vector<std::string>{"other/redis-app"});
    CHECK(names("empty").empty());

    Json chart = set_named("chart", {{"app.kubernetes.io/managed-by", "Helm"}});
    chart["spec"]["template"]["spec"]["containers"] = Json::array(
        {{{"name", "cache"}, {"command", {"redis-server", "--cluster-enabled", "yes"}}}});
    kube.put("statefulsets", chart);
    CHECK(names("shop") == std::vector<std::string>{"shop/chart", "shop/redis", "shop/redis-app"});
    CHECK(maker_of(chart) == "Helm");
    CHECK(maker_of(tests::article_set(6)) == "others");
    CHECK(maker_of(tests::node_deployment(0)) == "create");
    kube.refuse("deployments", Error::unauthorized("you may not"));
    CHECK_FALSE(locate_all(kube, "").has_value());
  }
}

}  // namespace
}  // namespace kredis::observe
