// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/read_spec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "shared/manifest/objects.hpp"
#include "shared/manifest/spec_changes.hpp"

namespace kredis::manifest {
namespace {

Json find(const std::vector<Json>& objects, const std::string& kind, const std::string& part) {
  for (const Json& object : objects) {
    const bool fits = object["metadata"]["name"].get<std::string>().find(part) != std::string::npos;
    if (object["kind"] == kind && fits) {
      return object;
    }
  }
  return nullptr;
}

Existing existing(const std::vector<Json>& objects) {
  Existing there{.workload = find(objects, "StatefulSet", ""),
                 .config_map = find(objects, "ConfigMap", ""),
                 .access_service = find(objects, "Service", "access"),
                 .claim = find(objects, "PersistentVolumeClaim", ""),
                 .volume = find(objects, "PersistentVolume", "")};
  if (there.workload.is_null()) {
    there.workload = find(objects, "Deployment", "");
  }
  return there;
}

ClusterSpec read_back(const ClusterSpec& spec) {
  return read_spec(existing(objects(spec)), spec.name, spec.namespace_);
}

std::string text_of(const std::vector<SpecChange>& changes) {
  std::string text;
  for (const SpecChange& change : changes) {
    text += (text.empty() ? "" : "; ") + change.what + ": " + change.before + " -> " + change.after;
  }
  return text;
}

std::vector<ClusterSpec> specs() {
  return {
      {},
      {.name = "shop",
       .namespace_ = "web",
       .masters = 5,
       .replicas = 2,
       .image = "valkey/valkey:8.1"},
      {.storage = Storage::ephemeral, .size = "1Gi"},
      {.size = "10Gi", .storage_class = "fast", .access_mode = "ReadWriteOncePod"},
      {.storage_class = ""},
      {.nfs_server = "10.0.0.1", .nfs_path = "/srv/redis"},
      {.layout = Layout::deployment},
      {.size = "5Gi", .storage_class = "fast", .layout = Layout::deployment},
      {.nfs_server = "10.0.0.1", .nfs_path = "/srv/redis", .layout = Layout::deployment},
      {.config = "maxmemory-policy allkeys-lru\nsave 900 1\nsave 60 10\n",
       .settings = {{"hz", "20"}, {"cluster-node-timeout", "15000"}}},
      {.settings = {{"save", "\"\""}, {"notify-keyspace-events", "\"K E\""}}},
      {.requests = {{"cpu", "1"}}, .limits = {{"memory", "1Gi"}}},
      {.anti_affinity = AntiAffinity::required, .zone_spread = ZoneSpread::on},
      {.access = Access::node_port, .external = External::node_port},
      {.access = Access::load_balancer, .external = External::load_balancer},
      {.client_endpoint = ClientEndpoint::ip},
      {.auth_secret = "pw", .tls_secret = "certs"},
      {.labels = {{"team", "a"}},
       .annotations = {{"owner", "x"}},
       .service_account = "redis",
       .node_selector = {{"disk", "ssd"}},
       .tolerations = {{.key = "a", .value = "b", .effect = "NoSchedule"}, {.key = "c"}, {}},
       .priority_class = "high"},
  };
}

TEST_SUITE("manifest/read_spec") {
  TEST_CASE("what was made reads back as what it was made of, whole and without what is kept") {
    int number = 0;
    for (const ClusterSpec& spec : specs()) {
      CAPTURE(number++);
      ClusterSpec back = read_back(spec);
      CHECK(text_of(changes_between(spec, back)) == "");
      CHECK(check_fixed(spec, back).has_value());
      CHECK(Json(objects(back)) == Json(objects(spec)));
      REQUIRE(back.kept.has_value());
      back.kept.reset();
      CHECK(text_of(changes_between(spec, back)) == "");
    }
  }

  TEST_CASE("an edit by hand stays, and is a setting where the file is made anew") {
    Existing there = existing(objects({.settings = {{"hz", "20"}}}));
    std::string conf = there.config_map["data"]["redis.conf"];
    const std::string line = "cluster-node-timeout 5000";
    conf.replace(conf.find(line), line.size(), "cluster-node-timeout 9000");
    there.config_map["data"]["redis.conf"] = conf;
    ClusterSpec back = read_spec(there, "redis", "default");
    CHECK(objects(back).front()["data"]["redis.conf"] == conf);
    CHECK(find(objects(back), "StatefulSet", "")["spec"]["template"] ==
          there.workload["spec"]["template"]);  // Nothing restarts.
    back.kept.reset();
    const std::vector<std::pair<std::string, std::string>> settings{
        {"cluster-node-timeout", "9000"}, {"hz", "20"}};
    CHECK(back.settings == settings);
  }

  TEST_CASE("a class that the cluster gave a claim by itself was not chosen") {
    Existing there = existing(objects({.layout = Layout::deployment}));
    there.claim["spec"]["storageClassName"] = "standard";
    there.claim["metadata"]["managedFields"] = Json::parse(
        R"([{"manager":"other"},{"manager":"kubectl-redis","fieldsV1":{"f:spec":{"f:accessModes":{}}}}])");
    CHECK_FALSE(read_spec(there, "redis", "default").storage_class.has_value());
    there.claim["metadata"]["managedFields"][1]["fieldsV1"]["f:spec"]["f:storageClassName"] =
        Json::object();
    CHECK(read_spec(there, "redis", "default").storage_class == "standard");
  }

  TEST_CASE("objects of no sense read as what create would make") {
    const std::vector<Json> senseless{
        Json(),
        Json::array(),
        Json::parse(R"({"spec":{"template":{"spec":7}}})"),
        Json::parse(R"({"spec":{"template":{"spec":{"containers":[[]]}}}})")};
    for (const Json& object : senseless) {
      const ClusterSpec back = read_spec({object, object, object, object, object}, "redis", "x");
      CHECK(back.masters == 3);
      CHECK(back.image == "redis:8.0");
      CHECK_FALSE(back.kept.has_value());
    }
  }
}

TEST_SUITE("manifest/spec_changes") {
  std::string changes(const ClusterSpec& before, const ClusterSpec& after) {
    return text_of(changes_between(before, after));
  }

  std::string word(const ClusterSpec& before, const ClusterSpec& after) {
    const auto found = changes_between(before, after);
    return found.empty() ? "none" : found.front().word;
  }

  TEST_CASE("changes are named by flags, old and new") {
    CHECK(changes({}, {.image = "redis:8.2"}) == "image: redis:8.0 -> redis:8.2");
    CHECK(changes({}, {.settings = {{"hz", "20"}}}) == "set hz: (default) -> 20");
    CHECK(changes({.limits = {{"memory", "1Gi"}}}, {.limits = {{"memory", "2Gi"}}}) ==
          "set maxmemory: 644245080 -> 1288490160; limits: memory=1Gi -> memory=2Gi");
    CHECK(changes({}, {.auth_secret = "pw"}) == "auth-secret: none -> pw");
    CHECK(changes({}, {.access = Access::node_port}) == "access: ClusterIP -> NodePort");
  }

  TEST_CASE("what could cost data has a word, and nothing else has") {
    CHECK(word({}, {.image = "redis:8.2"}).empty());
    CHECK(word({.image = "redis:8"}, {.image = "redis:8.0"}).empty());
    CHECK(word({.image = "redis:8.2.1"}, {.image = "redis:8.10"}).empty());
    CHECK(word({.image = "redis:8.2"}, {.image = "redis:8.1.9-alpine"}) == "older-server");
    CHECK(word({.image = "redis:7.4"}, {.image = "valkey/valkey:8.1"}) == "older-server");
    CHECK(word({}, {.image = "registry.example.com:5000/library/redis:8.0"}).empty());
    CHECK(word({.auth_secret = "pw"}, {}) == "no-auth");
    CHECK(word({.tls_secret = "certs"}, {}) == "no-tls");
    CHECK(word({.auth_secret = "pw"}, {.auth_secret = "other"}).empty());
    CHECK(word({}, {.settings = {{"appendonly", "no"}}}) == "no-persistence");
    CHECK(word({.settings = {{"appendonly", "no"}}}, {}).empty());
    CHECK(word({.settings = {{"appendonly", "no"}, {"save", "60 1"}}},
               {.settings = {{"appendonly", "no"}, {"save", "\"\""}}}) == "no-persistence");
  }

  TEST_CASE("shape, layout and storage stay") {
    const auto refusal = [](const ClusterSpec& before, const ClusterSpec& after) {
      const Status checked = check_fixed(before, after);
      return checked ? std::string() : checked.error().message + " | " + checked.error().hint;
    };
    const auto says = [&](const ClusterSpec& before, const ClusterSpec& after, const char* part) {
      CAPTURE(refusal(before, after));
      CHECK(refusal(before, after).find(part) != std::string::npos);
    };
    CHECK(refusal({}, {.image = "redis:8.2"}).empty());
    CHECK(refusal({.size = "1Gi"}, {.size = "1024Mi"}).empty());
    says({}, {.masters = 5}, "is there with 3 masters and 1 replicas each");
    says({}, {.layout = Layout::deployment}, "a second workload would write to the same claims");
    says({}, {.storage = Storage::ephemeral}, "with a claim for each node");
    says({.size = "2Gi"}, {.size = "1Gi"}, "with 2Gi for each node");
    says({}, {.storage_class = "fast"}, "with StorageClass (default) and ReadWriteOnce");
    says({.nfs_server = "a", .nfs_path = "/b"}, {}, "on NFS server a:/b");
  }
}

}  // namespace
}  // namespace kredis::manifest
