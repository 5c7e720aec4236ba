// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "shared/policy/review.hpp"

namespace kredis::policy {
namespace {

Json stateful_set(const Json& container, const Json& labels = {{"app", "cache"}}) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", {{"name", "cache"}, {"namespace", "shop"}}},
          {"spec",
           {{"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"containers", Json::array({container})},
                {"volumes", {{{"name", "conf"}, {"configMap", {{"name", "cache"}}}}}}}}}}}}};
}

Json config_map(const Json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "cache"}, {"namespace", "shop"}}},
          {"data", data}};
}

Surroundings beside(const std::vector<Json>& objects) {
  return {.find = [&objects](auto kind, auto, auto name) -> const Json* {
            for (const Json& each : objects) {
              if (each["kind"] == kind && each["metadata"]["name"] == name) {
                return &each;
              }
            }
            return nullptr;
          },
          .list =
              [&objects](auto kind, auto) {
                std::vector<const Json*> found;
                for (const Json& each : objects) {
                  if (each["kind"] == kind) {
                    found.push_back(&each);
                  }
                }
                return found;
              }};
}

const Json k_mount = {{{"name", "conf"}, {"mountPath", "/conf"}}};

}  // namespace

TEST_SUITE("policy/recognition") {
  TEST_CASE("labels and the annotation make a workload one of a cluster") {
    const Json container = {{"name", "c"}, {"image", "x"}};
    CHECK(is_redis_cluster(stateful_set(container, {{"appCluster", "a"}}), {}));
    CHECK(is_redis_cluster(stateful_set(container, {{"kubectl-redis.dev/cluster", "a"}}), {}));
    CHECK_FALSE(is_redis_cluster(stateful_set(container), {}));
    Json annotated = stateful_set(container);
    annotated["metadata"]["annotations"]["kubectl-redis.dev/masters"] = "3";
    CHECK(is_redis_cluster(annotated, {}));
  }

  TEST_CASE("a server is recognised by its cluster configuration, wherever that is") {
    const std::vector<Json> objects{
        config_map({{"redis.conf", "cluster-enabled yes\n"},
                    {"single.conf", "cluster-enabled no\n"},
                    {"update-node.sh", "#!/bin/sh\nexec \"$@\"\n"},
                    {"start.sh", "#!/bin/sh\nexec valkey-server /conf/redis.conf\n"}})};
    const Surroundings around = beside(objects);
    const auto recognised = [&](const Json& command) {
      return is_redis_cluster(
          stateful_set({{"name", "c"}, {"command", command}, {"volumeMounts", k_mount}}), around);
    };
    CHECK(recognised({"redis-server", "/conf/redis.conf"}));
    CHECK(recognised({"/conf/update-node.sh", "redis-server", "/conf/redis.conf"}));
    CHECK(recognised({"sh", "/conf/start.sh"}));
    CHECK(recognised({"sh", "-c", "exec redis-server /conf/redis.conf --port 7000"}));
    CHECK(recognised({"redis-server", "--cluster-enabled", "yes"}));
    CHECK_FALSE(recognised({"redis-server", "/conf/single.conf"}));
    CHECK_FALSE(recognised({"redis-server", "/conf/redis.conf", "--cluster-enabled", "no"}));
    CHECK_FALSE(recognised({"redis-server"}));
    CHECK_FALSE(recognised({"nginx"}));
  }

  TEST_CASE("a ConfigMap belongs to the cluster whose workload mounts it") {
    const std::vector<Json> objects{
        stateful_set({{"name", "c"}, {"volumeMounts", k_mount}}, {{"appCluster", "a"}})};
    CHECK(is_redis_cluster(config_map({{"redis.conf", "port 6379\n"}}), beside(objects)));
    CHECK_FALSE(is_redis_cluster(config_map({{"redis.conf", "port 6379\n"}}), {}));
    CHECK(is_redis_cluster(config_map({{"redis.conf", "cluster-enabled yes\n"}}), {}));
  }

  TEST_CASE("the annotation takes an object out") {
    Json object = stateful_set({{"name", "c"}}, {{"appCluster", "a"}});
    CHECK_FALSE(mutate(object, {}).patch.empty());
    object["metadata"]["annotations"]["kubectl-redis.dev/ignore"] = "true";
    const Verdict verdict = mutate(object, {});
    CHECK(verdict.recognised);
    CHECK(verdict.ignored);
    CHECK(verdict.patch.empty());
    CHECK(verdict.mutated == object);
    CHECK(validate(object, {}).objections.empty());
  }

  TEST_CASE("objects of any shape are looked at without harm") {
    for (const char* text :
         {"null",
          "[]",
          "7",
          R"({"kind":"StatefulSet"})",
          R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":[],"spec":7})",
          R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":
                                {"annotations":{"kubectl-redis.dev/masters":"x"}},"spec":{"template":7}})",
          R"({"apiVersion":"v1","kind":"Service","spec":{"selector":{"appCluster":3}}})"}) {
      CAPTURE(text);
      const Json object = Json::parse(text);
      const Verdict verdict = mutate(object, {});
      CHECK(verdict.mutated == (verdict.patch.empty() ? object : object.patch(verdict.patch)));
      CHECK_NOTHROW(validate(object, {}));
    }
  }
}

}  // namespace kredis::policy
