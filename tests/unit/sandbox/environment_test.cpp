// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/environment.hpp"

#include <doctest/doctest.h>

namespace kredis::sandbox {
namespace {

PodFacts facts_of(const Json& pod) {
  return {pod,
          "127.77.0.1",
          "127.77.250.1",
          [](const std::string& resource, const std::string& name) -> Object {
            if (resource == "configmaps" && name == "settings") {
              return std::make_shared<const Json>(Json{{"data", {{"mode", "fast"}}}});
            }
            if (resource == "secrets" && name == "redis-auth") {
              return std::make_shared<const Json>(Json{{"data", {{"password", "czNjcmV0"}}}});
            }
            return nullptr;
          }};
}

const Json k_pod = {
    {"metadata",
     {{"name", "redis-app-0"}, {"namespace", "default"}, {"labels", {{"app", "redis"}}}}},
    {"spec", {{"nodeName", "node-a"}}}};

TEST_SUITE("sandbox/node/environment") {
  TEST_CASE("expand replaces what is set and leaves everything else as it is") {
    const Environment environment = {{"NAME", "redis"}};
    CHECK(expand("hello $(NAME)", environment) == "hello redis");
    CHECK(expand("$(OTHER) $$(NAME) $NAME $(", environment) == "$(OTHER) $(NAME) $NAME $(");
    CHECK(expand("100$", environment) == "100$");
  }

  TEST_CASE("the environment comes from values, fields, ConfigMaps and Secrets, in order") {
    const Json container = Json::parse(R"({
    "envFrom": [{"prefix": "S_", "configMapRef": {"name": "settings"}}],
    "env": [
      {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
      {"name": "ADDRESS", "value": "$(POD_IP):6379"},
      {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
      {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "redis-auth", "key": "password"}}},
      {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "nosuch", "key": "x", "optional": true}}}]})");
    const auto environment = build_environment(container, facts_of(k_pod));
    REQUIRE(environment.has_value());
    CHECK(*environment == Environment{{"S_mode", "fast"},
                                      {"POD_IP", "127.77.0.1"},
                                      {"ADDRESS", "127.77.0.1:6379"},
                                      {"APP", "redis"},
                                      {"PASSWORD", "s3cret"}});
  }

  TEST_CASE("what is missing is named as the kubelet names it") {
    const auto missing_map = build_environment(
        Json::parse(
            R"({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}]})"),
        facts_of(k_pod));
    REQUIRE_FALSE(missing_map.has_value());
    CHECK(missing_map.error().message == "configmap \"x\" not found");

    const auto missing_key = build_environment(
        Json::parse(
            R"({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "y"}}}]})"),
        facts_of(k_pod));
    REQUIRE_FALSE(missing_key.has_value());
    CHECK(missing_key.error().message == "couldn't find key y in ConfigMap default/settings");
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
