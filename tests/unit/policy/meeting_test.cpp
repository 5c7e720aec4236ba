// SPDX-License-Identifier: Apache-2.0
//
// How nodes whose pods are all lost find each other again. That they do: tests/e2e/test_corpus.py.
#include <doctest/doctest.h>

#include <algorithm>

#include "shared/policy/json_access.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

Json service(const std::string& name, const Json& selector) {
  return {{"kind", "Service"},
          {"metadata", {{"name", name}}},
          {"spec", {{"clusterIP", "None"}, {"selector", selector}}}};
}

Objects shop(std::string_view launch = "command: [redis-server, /conf/redis.conf]\n") {
  return {{{"kind", "ConfigMap"},
           {"metadata", {{"name", "shop-conf"}}},
           {"data", {{"redis.conf", "cluster-enabled yes\nappendonly yes\ndir /data\n"}}}},
          service("shop-nodes", {{"app", "shop"}}),
          hand_made_set(launch)};
}

/// What the shell of a hook or probe of the completed set runs; empty without one.
std::string script_of(const Objects& objects, const std::string& path) {
  const Json made = mutate(objects.back(), beside(objects)).mutated;
  return text(at_path(made, "/spec/template/spec/containers/0/" + path + "/exec/command/2"));
}

bool objects_to_it(const Objects& objects) {
  const auto objections = validate(objects.back(), beside(objects)).objections;
  return std::ranges::any_of(objections, [](const auto& each) { return each.rule == "RC078"; });
}

}  // namespace

TEST_SUITE("policy/meeting") {
  TEST_CASE("a node looks for those it lost behind every Service of its cluster") {
    Objects objects = shop();
    objects.insert(objects.begin(), service("shop", {{"app", "shop"}}));
    objects.insert(objects.begin(), service("other", {{"app", "other"}}));
    CHECK(objects_to_it(objects));
    const std::string script = script_of(objects, "lifecycle/postStart");
    CHECK(script.find("for n in shop-nodes shop; do getent ahosts $n;") != std::string::npos);
    CHECK(script.find("CLUSTER MEET $b 6379;") != std::string::npos);
  }

  TEST_CASE(
      "a node looks behind the Services of workloads that have but a label in common with it") {
    Objects objects = shop();
    objects.push_back(hand_made_set("args: [--cluster-enabled, \"yes\"]\n"));
    Json& followers = objects.back();
    followers["metadata"]["name"] = "shop-followers";
    followers["spec"]["serviceName"] = "shop-followers";
    followers["spec"]["template"]["metadata"]["labels"] = {{"app", "shop-followers"},
                                                           {"setup", "cluster"}};
    objects[2]["spec"]["template"]["metadata"]["labels"]["setup"] = "cluster";
    CHECK(
        script_of(objects, "lifecycle/postStart").find("for n in shop-followers shop-nodes; do") !=
        std::string::npos);
  }

  TEST_CASE("the meeting goes by the ports that the server has") {
    const Objects objects = shop(
        "command: [redis-server, /conf/redis.conf, --port, \"7000\", --cluster-port, \"7001\"]\n");
    CHECK(script_of(objects, "lifecycle/postStart").find("CLUSTER MEET $b 7000 7001;") !=
          std::string::npos);
  }

  TEST_CASE("a hook that somebody wrote stays, and is asked to introduce the nodes") {
    const std::string start = "command: [redis-server, /conf/redis.conf]\nlifecycle: {postStart: ";
    const Objects silent = shop(start + "{exec: {command: [sh, -c, date]}}}\n");
    CHECK(objects_to_it(silent));
    CHECK(script_of(silent, "lifecycle/postStart") == "date");
    CHECK_FALSE(objects_to_it(
        shop(start + "{exec: {command: [sh, -c, redis-cli cluster meet $(cat /seed) 6379]}}}\n")));
  }

  TEST_CASE("a node whose address stays needs nobody") {
    CHECK_FALSE(
        objects_to_it(shop("command: [redis-server, /conf/redis.conf]\n"
                           "args: [--cluster-announce-ip, 10.96.40.1]\n")));
    Objects objects = shop();
    objects.back()["spec"]["template"]["spec"]["hostNetwork"] = true;
    CHECK_FALSE(objects_to_it(objects));
  }

  TEST_CASE("where no password can be given no hook is written, and the rule stays") {
    const Objects objects =
        shop("command: [redis-server, /conf/redis.conf, --aclfile, /acl/users.acl]\n");
    CHECK(script_of(objects, "lifecycle/postStart").empty());
    CHECK(objects_to_it(objects));
  }

  TEST_CASE("the script of the image with modules leaves port and password to the file") {
    const Objects objects = shop(
        "image: redis/redis-stack-server:7.4.0-v1\n"
        "command: [redis-stack-server, /conf/redis.conf]\n");
    CHECK(script_of(objects, "lifecycle/postStart").find("CLUSTER MEET $b 6379;") !=
          std::string::npos);
    CHECK(script_of(objects, "lifecycle/preStop").find("CLUSTER FAILOVER") != std::string::npos);
  }

  TEST_CASE("readiness waits for the cluster only where names lead to pods that are not ready") {
    Objects objects = shop();
    objects.back()["spec"]["podManagementPolicy"] = "Parallel";
    CHECK(script_of(objects, "readinessProbe").find("cluster_state") == std::string::npos);
    objects[1]["spec"]["publishNotReadyAddresses"] = true;
    CHECK(script_of(objects, "readinessProbe").find("cluster_state") != std::string::npos);
  }
}

}  // namespace kredis::policy
