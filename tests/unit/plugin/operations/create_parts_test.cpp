// SPDX-License-Identifier: Apache-2.0
//
// Parts of `create` that judge or wait: quotas at their limits, the plan, external addresses.
#include <doctest/doctest.h>

#include <chrono>

#include "plugin/operations/create/external_addresses.hpp"
#include "plugin/operations/create/plan.hpp"
#include "plugin/operations/create/preflight.hpp"
#include "shared/manifest/external.hpp"
#include "tests/support/verb_bed.hpp"

namespace kredis::tests {
namespace {

using manifest::ClusterSpec;

Status judged(const ClusterSpec& spec, const std::string& resource, const std::string& hard) {
  const Json quota = {{"metadata", {{"name", "team"}}}, {"status", {{"hard", {{resource, hard}}}}}};
  return plugin::judge_quota(spec, {.quotas = std::vector<Json>{quota}});
}

ClusterSpec outside() {
  ClusterSpec spec;
  spec.namespace_ = "shop";
  spec.external = manifest::External::load_balancer;
  return spec;
}

/// The pods' Services, as the server keeps them; the cloud has given addresses to `served`.
void put_services(FakeKube& kube, std::size_t served) {
  for (Json service : manifest::external_services(outside())) {
    if (served > 0) {
      --served;
      service["status"]["loadBalancer"]["ingress"] = Json::array({{{"ip", "192.0.2.7"}}});
    }
    kube.put("services", service);
  }
}

Status announce(FakeKube& kube, FakeClock& clock) {
  plugin::Conduct conduct{.deadline = clock.now() + std::chrono::minutes(1)};
  conduct.clock = &clock;
  return plugin::announce_external(kube, outside(), conduct);
}

}  // namespace

TEST_SUITE("operations/create") {
  TEST_CASE("judge_quota takes the last unit of each resource and refuses one less") {
    struct Row {
      std::string resource;
      std::string enough;
      std::string too_little;
    };
    ClusterSpec spec;
    spec.limits = {{"cpu", "1"}, {"memory", "1Gi"}};
    const std::vector<Row> rows{{"pods", "6", "5"},
                                {"count/pods", "6", "5"},
                                {"requests.cpu", "600m", "599m"},
                                {"cpu", "600m", "599m"},
                                {"requests.memory", "600Mi", "599Mi"},
                                {"limits.cpu", "6", "5999m"},
                                {"limits.memory", "6Gi", "5Gi"},
                                {"persistentvolumeclaims", "6", "5"},
                                {"requests.storage", "1200M", "1199M"}};
    for (const Row& row : rows) {
      CAPTURE(row.resource);
      CHECK(judged(spec, row.resource, row.enough).has_value());
      const Status refused = judged(spec, row.resource, row.too_little);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == core::ErrorCode::conflict);
      CHECK(contains(refused.error().message, "leaves too little " + row.resource));
      CHECK(contains(refused.error().hint, "raise the quota"));
    }
  }

  TEST_CASE("judge_quota asks nothing of what the cluster does not take") {
    ClusterSpec spec;
    spec.storage = manifest::Storage::ephemeral;
    CHECK(judged(spec, "requests.storage", "0").has_value());
    CHECK(judged(spec, "persistentvolumeclaims", "0").has_value());
    CHECK(judged(spec, "limits.cpu", "0").has_value());
  }

  TEST_CASE("plan_create says that objects are missing only where somebody looked") {
    const Json object = {
        {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "a"}}}};
    const auto reason = [&](const std::vector<Json>& before) {
      return plugin::plan_create({}, {object}, before).stages.front().steps.front().reason;
    };
    CHECK(reason({}) == "");
    CHECK(reason({Json()}) == "it is not there yet");
    CHECK(reason({object}) == "");
  }

  TEST_CASE("announce_external waits for every address and tells the pods") {
    FakeKube kube;
    FakeClock clock;
    put_services(kube, 2);
    clock.on_sleep = [&] { put_services(kube, 6); };
    REQUIRE(announce(kube, clock).has_value());
    CHECK(kube.changes == std::vector<std::string>{"apply configmaps/redis-external"});
    CHECK(contains(kube.object("configmaps", "redis-external").dump(), "192.0.2.7"));
  }

  TEST_CASE("announce_external names the Services that were given nothing in time") {
    FakeKube kube;
    FakeClock clock;
    put_services(kube, 5);
    const Status waited = announce(kube, clock);
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == core::ErrorCode::timeout);
    CHECK(contains(waited.error().message, "no external address was given to: redis-app-5"));
    CHECK(contains(waited.error().hint, "kubectl describe service redis-app-5"));
    CHECK(kube.changes.empty());
  }
}

}  // namespace kredis::tests
