// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/validation.hpp"

#include <doctest/doctest.h>

#include "tests/sandbox/api/decode.hpp"
#include "tests/sandbox/api/defaults.hpp"
#include "tests/sandbox/api/quantity.hpp"

using kredis::Json;
using namespace kredis::sandbox::api;

namespace {

const ResourceInfo& stateful_sets() { return *find_resource("apps", "statefulsets"); }

Json stateful_set() {
  Json object = {
      {"kind", "StatefulSet"},
      {"metadata", {{"name", "redis"}}},
      {"spec",
       {{"serviceName", "s"},
        {"selector", {{"matchLabels", {{"app", "redis"}}}}},
        {"template",
         {{"metadata", {{"labels", {{"app", "redis"}}}}},
          {"spec",
           {{"containers",
             {{{"name", "redis"},
               {"image", "redis:7"},
               {"volumeMounts", {{{"name", "data"}, {"mountPath", "/data"}}}}}}}}}}},
        {"volumeClaimTemplates", {{{"metadata", {{"name", "data"}}}, {"spec", Json::object()}}}}}}};
  apply_defaults(stateful_sets(), object);
  return object;
}

}  // namespace

TEST_SUITE("sandbox/validation") {
  TEST_CASE("a StatefulSet gets the defaults that users see, and passes") {
    const Json object = stateful_set();
    CHECK(object["spec"]["replicas"] == 1);
    CHECK(object["spec"]["podManagementPolicy"] == "OrderedReady");
    CHECK(object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30);
    CHECK(object["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent");
    CHECK(validate(stateful_sets(), object).empty());
  }

  TEST_CASE("defaults are the same when filled in twice") {
    Json object = stateful_set();
    const Json once = object;
    apply_defaults(stateful_sets(), object);
    CHECK(object == once);
  }

  TEST_CASE("a selector that does not match the template is refused") {
    Json object = stateful_set();
    object["spec"]["template"]["metadata"]["labels"]["app"] = "other";
    const auto causes = validate(stateful_sets(), object);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].field == "spec.template.metadata.labels");
    CHECK(causes[0].message.find("`selector` does not match template `labels`") !=
          std::string::npos);
  }

  TEST_CASE("a StatefulSet's claim templates cannot change, its replicas can") {
    const Json before = stateful_set();
    Json after = before;
    after["spec"]["replicas"] = 6;
    CHECK(validate_update(stateful_sets(), before, after).empty());
    after["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = "other";
    const auto causes = validate_update(stateful_sets(), before, after);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].message.starts_with(
        "Forbidden: updates to statefulset spec for fields other than"));
  }

  TEST_CASE("names are DNS names and the text says so") {
    Json object = stateful_set();
    object["metadata"]["name"] = "Redis_1";
    const auto causes = validate(stateful_sets(), object);
    REQUIRE_FALSE(causes.empty());
    CHECK(causes[0].field == "metadata.name");
    CHECK(causes[0].message.find("RFC 1123 subdomain") != std::string::npos);
  }

  TEST_CASE("decoding drops unknown fields, tells them, and refuses wrong types") {
    const auto decoded = decode(stateful_sets(), {{"spec", {{"replicass", 3}, {"replicas", 1}}}});
    REQUIRE(decoded.has_value());
    CHECK(decoded->unknown_fields == std::vector<std::string>{"spec.replicass"});
    CHECK(decoded->object == Json{{"spec", {{"replicas", 1}}}});

    const auto wrong = decode(stateful_sets(), {{"spec", {{"replicas", "three"}}}});
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == 400);
    CHECK(wrong.error().message.find("spec.replicas") != std::string::npos);
  }

  TEST_CASE("quantities are read with every suffix and nothing else") {
    CHECK(parse_quantity(std::string_view("100m")) == 100);
    CHECK(parse_quantity(std::string_view("1Gi")) == 1024.0 * 1024 * 1024 * 1000);
    CHECK(parse_quantity(std::string_view("1e3")) == 1'000'000);
    CHECK_FALSE(parse_quantity(std::string_view("12Q")).has_value());
    CHECK_FALSE(parse_quantity(std::string_view("")).has_value());
    CHECK(format_quantity(1500, "2") == "1500m");
    CHECK(format_quantity(2000, "4") == "2");
  }
}
