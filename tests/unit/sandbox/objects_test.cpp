// SPDX-License-Identifier: Apache-2.0
//
// What a client may do to objects, without HTTP: create, patch, delete, scale, evict, and who may.
#include "tests/sandbox/api/objects.hpp"

#include <doctest/doctest.h>

#include "tests/sandbox/api/protobuf.hpp"
#include "tests/sandbox/api/rbac.hpp"
#include "tests/sandbox/api/request_path.hpp"
#include "tests/sandbox/api/subresources.hpp"
#include "tests/sandbox/api/tables.hpp"

using kredis::Json;
using kredis::sandbox::Object;
using kredis::sandbox::Store;
using namespace kredis::sandbox::api;

namespace {

struct Cluster {
  Store store;
  Admission admission{store};
  Objects objects{store, admission, {}};
  WriteOptions options;

  Cluster() {
    REQUIRE(create("namespaces", "", {{"metadata", {{"name", "default"}}}}).has_value());
    options.field_manager = "test";
  }
  static Target target(const char* resource, const char* name, const char* subresource = "") {
    return {find_resource("", resource), "default", name, subresource};
  }
  ApiResult<Written> create(const char* resource, const char* name, const Json& object) {
    return objects.create(target(resource, name), object, options);
  }
};

Json config_map(const char* name) {
  return {{"metadata", {{"name", name}}}, {"data", {{"a", "1"}}}};
}

Json running_pod(const char* name) {
  return {{"metadata", {{"name", name}, {"labels", {{"app", "redis"}}}}},
          {"spec", {{"containers", {{{"name", "redis"}, {"image", "redis:7"}}}}}}};
}

void make_ready(Store& store, const char* name) {
  const auto done = store.update({"", "pods", "default", name}, [](Json& pod) {
    pod["spec"]["nodeName"] = "node-a";
    pod["status"]["phase"] = "Running";
    pod["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", "True"}}});
    return kredis::Status{};
  });
  REQUIRE(done.has_value());
}

}  // namespace

TEST_SUITE("sandbox/objects") {
  TEST_CASE("create refuses a second object and one in a namespace that is not there") {
    Cluster cluster;
    REQUIRE(cluster.create("configmaps", "", config_map("a")).has_value());
    const auto again = cluster.create("configmaps", "", config_map("a"));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().message == "configmaps \"a\" already exists");

    Target elsewhere = Cluster::target("configmaps", "");
    elsewhere.namespace_ = "nowhere";
    const auto lost = cluster.objects.create(elsewhere, config_map("a"), cluster.options);
    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error().message == "namespaces \"nowhere\" not found");
  }

  TEST_CASE("a dry run answers as if, and stores nothing") {
    Cluster cluster;
    cluster.options.dry_run = DryRun::yes;
    const auto made = cluster.create("configmaps", "", config_map("a"));
    REQUIRE(made.has_value());
    CHECK(made->object["metadata"]["uid"].is_string());
    CHECK(cluster.store.list("", "configmaps").empty());
  }

  TEST_CASE("strict field validation refuses what the default only warns about") {
    Cluster cluster;
    Json odd = config_map("a");
    odd["dataa"] = 1;
    const auto warned = cluster.create("configmaps", "", odd);
    REQUIRE(warned.has_value());
    CHECK(warned->warnings == std::vector<std::string>{"unknown field \"dataa\""});

    cluster.options.field_validation = FieldValidation::strict;
    const auto refused = cluster.create("configmaps", "", odd);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.ends_with("strict decoding error: unknown field \"dataa\""));
  }

  TEST_CASE("an update with an old resourceVersion conflicts, one without goes through") {
    Cluster cluster;
    REQUIRE(cluster.create("configmaps", "", config_map("a")).has_value());
    Json next = config_map("a");
    next["data"]["a"] = "2";
    const Target target = Cluster::target("configmaps", "a");
    CHECK(cluster.objects.update(target, next, cluster.options).has_value());
    next["metadata"]["resourceVersion"] = "1";
    const auto stale = cluster.objects.update(target, next, cluster.options);
    REQUIRE_FALSE(stale.has_value());
    CHECK(stale.error().code == 409);
  }

  TEST_CASE("a quota refuses the pod that is one too many, in Kubernetes' words") {
    Cluster cluster;
    REQUIRE(cluster
                .create("resourcequotas",
                        "",
                        {{"metadata", {{"name", "q"}}}, {"spec", {{"hard", {{"pods", "1"}}}}}})
                .has_value());
    REQUIRE(cluster.create("pods", "", running_pod("a")).has_value());
    const auto refused = cluster.create("pods", "", running_pod("b"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message ==
          "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, "
          "limited: pods=1");
  }

  TEST_CASE("deleting a pod on a node gives it its grace, and one without a node none") {
    Cluster cluster;
    REQUIRE(cluster.create("pods", "", running_pod("a")).has_value());
    REQUIRE(cluster.create("pods", "", running_pod("b")).has_value());
    make_ready(cluster.store, "a");
    const auto going =
        cluster.objects.remove(Cluster::target("pods", "a"), nullptr, cluster.options);
    REQUIRE(going.has_value());
    CHECK(going->outcome == Outcome::deleting);
    CHECK(going->object["metadata"]["deletionGracePeriodSeconds"] == 30);
    const auto gone =
        cluster.objects.remove(Cluster::target("pods", "b"), nullptr, cluster.options);
    REQUIRE(gone.has_value());
    CHECK(gone->outcome == Outcome::deleted);
  }

  TEST_CASE("eviction spends the disruption budget and is refused when it is empty") {
    Cluster cluster;
    REQUIRE(cluster.create("pods", "", running_pod("a")).has_value());
    make_ready(cluster.store, "a");
    REQUIRE(cluster.store
                .create({"policy", "poddisruptionbudgets", "default", "b"},
                        {{"spec", {{"selector", {{"matchLabels", {{"app", "redis"}}}}}}},
                         {"status", {{"disruptionsAllowed", 0}, {"desiredHealthy", 1}}}})
                .has_value());
    const auto refused = evict_pod(cluster.objects,
                                   cluster.admission,
                                   Cluster::target("pods", "a", "eviction"),
                                   Json::object(),
                                   cluster.options);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == 429);
    CHECK(refused.error().details["causes"][0]["reason"] == "DisruptionBudget");
  }
}

TEST_SUITE("sandbox/rbac") {
  TEST_CASE("a role binding grants what its role lists, in its own namespace only") {
    Store store;
    Rbac rbac(store);
    rbac.create_default_roles();
    const std::string group = "rbac.authorization.k8s.io";
    REQUIRE(store
                .create({group, "rolebindings", "shop", "b"},
                        {{"roleRef", {{"kind", "ClusterRole"}, {"name", "view"}}},
                         {"subjects", Json::array({{{"kind", "User"}, {"name", "eve"}}})}})
                .has_value());
    const Identity eve{"eve", {}};
    Attributes what{"list", "", "pods", "", "shop", "", ""};
    CHECK(rbac.allows(eve, what));
    what.verb = "delete";
    CHECK_FALSE(rbac.allows(eve, what));
    what = {"list", "", "pods", "", "other", "", ""};
    const auto refused = rbac.check(eve, what);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message ==
          "pods is forbidden: User \"eve\" cannot list resource \"pods\" in API group \"\" in the "
          "namespace \"other\"");
    CHECK(rbac.allows({"root", {"system:masters"}}, what));
  }
}

TEST_SUITE("sandbox/reading requests") {
  TEST_CASE("a path is taken apart into group, namespace, name and subresource") {
    const RequestPath scale = parse_path("/apis/apps/v1/namespaces/shop/statefulsets/redis/scale");
    REQUIRE(scale.target.info != nullptr);
    CHECK(scale.target.info->kind == "StatefulSet");
    CHECK(scale.target.namespace_ == "shop");
    CHECK(scale.target.name == "redis");
    CHECK(scale.target.subresource == "scale");
    const RequestPath itself = parse_path("/api/v1/namespaces/shop/status");
    CHECK(itself.target.name == "shop");
    CHECK(itself.target.subresource == "status");
    CHECK_FALSE(parse_path("/version").is_resource);
    CHECK(parse_path("/api/v1/nothing").target.info == nullptr);
  }

  TEST_CASE("protobuf that is none or broken is refused, whatever it holds") {
    using namespace std::string_view_literals;
    CHECK_FALSE(decode_protobuf("{}").has_value());
    CHECK_FALSE(decode_protobuf("k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv).has_value());
    CHECK_FALSE(decode_protobuf("k8s\0\x0a\x7fxx"sv).has_value());
    const auto map = decode_protobuf(
        "k8s\0\x0a\x0f\x0a\x02v1\x12\x09"
        "ConfigMap\x12\x05\x0a\x03\x0a\x01"
        "a"sv);
    REQUIRE(map.has_value());
    CHECK((*map)["kind"] == "ConfigMap");
    CHECK((*map)["metadata"]["name"] == "a");
  }

  TEST_CASE("ages are written as kubectl writes them") {
    const std::string then = "2026-01-01T00:00:00Z";
    constexpr std::time_t k_then = 1'767'225'600;
    CHECK(age_since(then, k_then + 119) == "119s");
    CHECK(age_since(then, k_then + 120) == "2m");
    CHECK(age_since(then, k_then + 323) == "5m23s");
    CHECK(age_since(then, k_then + 3 * 3600) == "3h");
    CHECK(age_since(then, k_then + 49 * 3600) == "2d1h");
    CHECK(age_since("", k_then) == "<unknown>");
  }
}
