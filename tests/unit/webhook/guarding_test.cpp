// SPDX-License-Identifier: Apache-2.0
#include "webhook/guarding.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/builders.hpp"

namespace kredis::webhook {
namespace {

const Json k_set = {
    {"apiVersion", "apps/v1"},
    {"kind", "StatefulSet"},
    {"metadata", {{"name", "redis-app"}, {"namespace", "shop"}}},
    {"spec", {{"replicas", 3}, {"template", {{"metadata", {{"labels", {{"appCluster", "a"}}}}}}}}}};

/// Three masters without replicas: no pod may go.
policy::Sight bare_masters(const Json&) {
  const auto view = testing::ViewBuilder::whole(3, 0).build();
  return {.view = std::make_shared<const core::ClusterView>(view), .age_seconds = 4};
}

policy::Surroundings around() {
  return {.find = [](auto, auto, auto) { return nullptr; },
          .list =
              [](auto kind, auto) {
                return kind == "StatefulSet" ? std::vector<const Json*>{&k_set}
                                             : std::vector<const Json*>{};
              }};
}

Review eviction() {
  return {.uid = "1",
          .operation = "CREATE",
          .kind = "Eviction",
          .resource = "pods",
          .namespace_name = "shop",
          .name = "redis-app-0",
          .subresource = "eviction",
          .object = {{"kind", "Eviction"}}};
}

Decision guarded(const Review& review, Level level, const policy::Look& look = bare_masters) {
  Decision decision{.level = level};
  add_guards(review, around(), look, decision);
  return decision;
}

Json answer_to(const Review& review, const Decision& decision) {
  return Json::parse(answer_of(review, decision));
}

}  // namespace

TEST_SUITE("webhook/guarding") {
  TEST_CASE("an eviction is refused as a budget does it, with the age of the view") {
    const Json answer = answer_to(eviction(), guarded(eviction(), Level::enforce));
    const Json& response = answer["response"];
    CHECK(response["allowed"] == false);
    CHECK(response["status"]["code"] == 429);
    CHECK(response["status"]["reason"] == "TooManyRequests");
    const auto message = response["status"]["message"].get<std::string>();
    CHECK(message.starts_with(
        "[RG002] redis-app-0 holds the last copy of 5461 slots, as seen 4 s ago"));
    CHECK(response["auditAnnotations"]["view-age"] == "4s");
    CHECK(response["auditAnnotations"]["rules"] == "RG002");
  }

  TEST_CASE("a deletion is forbidden, which nobody asks again for") {
    Review review = eviction();
    review.operation = "DELETE";
    review.subresource = "";
    const Json answer = answer_to(review, guarded(review, Level::enforce));
    CHECK(answer["response"]["status"]["code"] == 403);
    CHECK(answer["response"]["status"]["reason"] == "Forbidden");
  }

  TEST_CASE("levels hold for guards: warn tells, audit notes, off does not look") {
    const Decision warned = guarded(eviction(), Level::warn);
    CHECK(warned.allowed);
    REQUIRE(warned.warnings.size() == 1);
    CHECK(warned.warnings.front() == "[RG002] redis-app-0 holds the last copy of 5461 slots");
    const Decision noted = guarded(eviction(), Level::audit);
    CHECK(noted.warnings.empty());
    CHECK(noted.objections.size() == 1);
    CHECK_FALSE(guarded(eviction(), Level::off).guarded);
  }

  TEST_CASE("what an annotation takes out of every rule passes, and is to be seen afterwards") {
    Review review = eviction();
    review.operation = "DELETE";
    review.subresource = "";
    review.before = {{"metadata", {{"annotations", {{"kubectl-redis.dev/ignore", "true"}}}}}};
    const Decision decision = guarded(review, Level::enforce);
    CHECK(decision.allowed);
    CHECK(decision.ignored);
    CHECK(decision.recognised);
    CHECK(answer_to(review, decision)["response"]["auditAnnotations"]["ignored"] == "true");
  }

  TEST_CASE("a blind guard passes an eviction, warns and says that it was blind") {
    const Decision blind =
        guarded(eviction(), Level::enforce, [](const Json&) { return policy::Sight{}; });
    CHECK(blind.allowed);
    CHECK(blind.warnings.size() == 1);
    CHECK(answer_to(eviction(), blind)["response"]["auditAnnotations"]["view-age"] == "blind");
  }

  TEST_CASE("only what really lets a pod go is remembered") {
    CHECK(lets_a_pod_go(eviction()));
    Review review = eviction();
    review.dry_run = true;
    CHECK_FALSE(lets_a_pod_go(review));
    review = eviction();
    review.resource = "statefulsets";
    CHECK_FALSE(lets_a_pod_go(review));
  }
}

}  // namespace kredis::webhook
