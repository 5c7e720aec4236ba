// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/sandbox/controllers/disruption.hpp"
#include "tests/sandbox/controllers/endpoints.hpp"
#include "tests/sandbox/controllers/hosts_file.hpp"
#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

Json headless() {
  return {{"metadata", {{"name", "redis-service"}, {"namespace", "default"}, {"uid", "s"}}},
          {"spec",
           {{"clusterIP", "None"},
            {"selector", {{"app", "redis"}}},
            {"ports", {{{"name", "redis-port"}, {"port", 6379}, {"targetPort", "redis"}}}}}}};
}

Json member(const std::string& name) {
  Json pod = build::pod(name, "node-a");
  pod["spec"]["hostname"] = name;
  pod["spec"]["subdomain"] = "redis-service";
  return pod;
}

Objects two_members() {
  Json starting = member("redis-app-1");
  starting["status"] = {{"phase", "Running"}, {"podIP", "127.77.0.2"}};
  return {build::share(build::ready(member("redis-app-0"))), build::share(starting)};
}

}  // namespace

TEST_SUITE("sandbox/services") {
  TEST_CASE("endpoints keep ready and waiting pods apart and resolve named ports") {
    const Json service = headless();
    const Json endpoints = make_endpoints(service, backends_of(service, two_members()));
    const Json& subset = endpoints["subsets"][0];
    CHECK(subset["ports"][0]["port"] == 6379);
    CHECK(subset["ports"][0]["name"] == "redis-port");
    REQUIRE(subset["addresses"].size() == 1);
    CHECK(subset["addresses"][0]["ip"] == "127.77.0.1");
    CHECK(subset["addresses"][0]["hostname"] == "redis-app-0");
    CHECK(subset["notReadyAddresses"][0]["ip"] == "127.77.0.2");
  }

  TEST_CASE("publishNotReadyAddresses counts every pod as ready") {
    Json service = headless();
    service["spec"]["publishNotReadyAddresses"] = true;
    const Json slice = make_endpoint_slice(service, backends_of(service, two_members()), {});
    REQUIRE(slice["endpoints"].size() == 2);
    CHECK(slice["endpoints"][1]["conditions"]["ready"] == true);
    CHECK(slice["endpoints"][1]["conditions"]["serving"] == true);
  }

  TEST_CASE("a hosts file has short names only for its own namespace") {
    const Objects services{build::share(headless())};
    CHECK(hosts_file(services, two_members(), "default") ==
          "127.0.0.1 localhost\n"
          "127.77.0.1 redis-app-0.redis-service.default.svc.cluster.local "
          "redis-app-0.redis-service.default.svc redis-app-0.redis-service.default "
          "redis-app-0.redis-service redis-service.default.svc.cluster.local "
          "redis-service.default.svc redis-service.default redis-service\n");
    CHECK(hosts_file(services, two_members(), "other").find(" redis-app-0.redis-service ") ==
          std::string::npos);
  }

  TEST_CASE("a hosts file leads a ClusterIP service's name to its address") {
    Json service = headless();
    service["spec"]["clusterIP"] = "127.77.192.2";
    const std::string text = hosts_file({build::share(service)}, two_members(), "default");
    CHECK(text.find("127.77.192.2 redis-service.default.svc.cluster.local") != std::string::npos);
    CHECK(text.find("127.77.0.1 ") == std::string::npos);
  }

  TEST_CASE("a disruption budget allows what is healthy above what must remain") {
    Json budget{
        {"metadata", {{"namespace", "default"}}},
        {"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", {{"app", "redis"}}}}}}}};
    Json status = disruption_status(budget, two_members(), 2);
    CHECK(status["desiredHealthy"] == 1);
    CHECK(status["currentHealthy"] == 1);
    CHECK(status["disruptionsAllowed"] == 0);
    budget["spec"]["maxUnavailable"] = 2;
    CHECK(disruption_status(budget, two_members(), 2)["disruptionsAllowed"] == 1);
  }
}

}  // namespace kredis::sandbox
