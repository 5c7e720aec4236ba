// SPDX-License-Identifier: Apache-2.0
#include "webhook/decision.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "shared/kube/encoding.hpp"

namespace {

using namespace kredis;
using policy::Objection;
using policy::RuleSeverity;
using webhook::Decision;
using webhook::Endpoint;
using webhook::Level;

Json review_json() {
  return Json::parse(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
    "uid":"u-1","operation":"CREATE","kind":{"group":"apps","version":"v1","kind":"StatefulSet"},
    "namespace":"shop","name":"redis-app","dryRun":true,"userInfo":{"username":"eve"},
    "object":{"kind":"StatefulSet","spec":{"replicas":6}},"oldObject":null}})");
}

Objection objection(std::string rule, RuleSeverity severity, std::string found = "5") {
  return {std::move(rule),
          severity,
          "/spec/replicas",
          std::move(found),
          "6",
          "the replicas do not divide"};
}

/// A policy that knows every object, objects by what its replicas say, and has a patch for all.
webhook::Policy policy_of(const std::vector<Objection>& objections) {
  return {.mutate =
              [](const Json& object, const policy::Surroundings&) {
                policy::Verdict verdict{.recognised = true, .mutated = object};
                verdict.patch = Json::parse(R"([{"op":"add","path":"/spec/x","value":1}])");
                return verdict;
              },
          .validate =
              [objections](const Json& object, const policy::Surroundings&) {
                policy::Verdict verdict{.recognised = true, .objections = objections};
                for (Objection& it : verdict.objections) {
                  it.found = object["spec"]["replicas"].dump();
                }
                return verdict;
              },
          .silence = [](const Json&, const policy::Surroundings&) { return policy::Silence{}; }};
}

Decision decided(const webhook::Policy& policy,
                 Endpoint endpoint,
                 Level level,
                 const Json& json = review_json()) {
  auto review = webhook::parse_review(json);
  REQUIRE(review.has_value());
  return webhook::decide(*review, endpoint, level, policy, {});
}

}  // namespace

TEST_SUITE("webhook/decision") {
  TEST_CASE("what is not judged is said once, in a line, and to the audit log at every level") {
    webhook::Policy policy = policy_of({});
    policy.silence = [](const Json&, const policy::Surroundings&) {
      return policy::Silence{.because = "its configuration is " + std::string(200, 'x')};
    };
    Json json = review_json();
    json["request"]["resource"] = {{"resource", "statefulsets"}};
    const auto annotation = [&](const Decision& decision) {
      const auto review = webhook::parse_review(json);
      const Json answer = Json::parse(webhook::answer_of(*review, decision));
      return text_at(answer, "/response/auditAnnotations/not-judged");
    };
    const Decision validated = decided(policy, Endpoint::validate, Level::enforce, json);
    CHECK(validated.allowed);
    REQUIRE(validated.warnings.size() == 1);
    CHECK(validated.warnings[0].starts_with("not judged: its configuration is xxx"));
    CHECK(validated.warnings[0].size() <= 120);
    CHECK(annotation(validated).starts_with("its configuration is xxx"));
    CHECK(decided(policy, Endpoint::validate, Level::warn, json).warnings.size() == 1);
    const Decision audited = decided(policy, Endpoint::validate, Level::audit, json);
    CHECK(audited.warnings.empty());
    CHECK(annotation(audited).starts_with("its configuration is xxx"));
    CHECK(decided(policy, Endpoint::validate, Level::off, json).not_judged.empty());
    CHECK(decided(policy, Endpoint::mutate, Level::enforce, json).not_judged.empty());
    json["request"]["resource"] = {{"resource", "pods"}};
    CHECK(decided(policy, Endpoint::validate, Level::enforce, json).not_judged.empty());
  }

  TEST_CASE("parse_review takes what decides") {
    const auto review = webhook::parse_review(review_json());

    REQUIRE(review.has_value());
    CHECK(review->uid == "u-1");
    CHECK(review->kind == "StatefulSet");
    CHECK(review->namespace_name == "shop");
    CHECK(review->user == "eve");
    CHECK(review->dry_run);
    CHECK(review->object["spec"]["replicas"] == 6);
    CHECK(review->before.is_null());
  }

  TEST_CASE("the deletion of a collection names no object, so the object itself tells its name") {
    Json json = review_json();
    json["request"]["operation"] = "DELETE";
    json["request"].erase("name");
    json["request"]["object"] = nullptr;
    json["request"]["oldObject"] = {{"kind", "Pod"}, {"metadata", {{"name", "redis-app-0"}}}};
    CHECK(webhook::parse_review(json)->name == "redis-app-0");
    json["request"]["oldObject"] = nullptr;
    CHECK(webhook::parse_review(json)->name.empty());
  }

  TEST_CASE("a namespace lies in itself, whether its review says so or not") {
    Json json = review_json();
    json["request"]["resource"] = {{"resource", "namespaces"}};
    json["request"]["name"] = "shop";
    json["request"].erase("namespace");
    CHECK(webhook::parse_review(json)->namespace_name == "shop");
    json["request"]["resource"] = {{"resource", "nodes"}};
    CHECK(webhook::parse_review(json)->namespace_name.empty());
  }

  TEST_CASE("parse_review refuses what is not a whole review") {
    struct Case {
      const char* label;
      const char* patch;
      const char* wanted;
    };
    for (const Case& it : {
             Case{"no object", R"({"request":{"object":null}})", "object is missing"},
             Case{"object of a wrong type", R"({"request":{"object":[1]}})", "object is missing"},
             Case{"old version",
                  R"({"apiVersion":"admission.k8s.io/v1beta1"})",
                  "admission.k8s.io/v1"},
             Case{"other kind", R"({"kind":"Pod"})", "must be AdmissionReview"},
             Case{"no request", R"({"request":null})", "request is missing"},
             Case{"no uid", R"({"request":{"uid":null}})", "uid is missing"},
             Case{"empty uid", R"({"request":{"uid":""}})", "uid is missing"},
             Case{"uid of a wrong type", R"({"request":{"uid":7}})", "uid is missing"},
             Case{"no operation", R"({"request":{"operation":null}})", "operation"},
             Case{"unknown operation", R"({"request":{"operation":"create"}})", "operation"},
             Case{"kind as text", R"({"request":{"kind":"Pod"}})", "kind of the object"},
         }) {
      CAPTURE(it.label);
      Json body = review_json();
      body.merge_patch(Json::parse(it.patch));
      const auto review = webhook::parse_review(body);
      REQUIRE_FALSE(review.has_value());
      CHECK(review.error().message.find(it.wanted) != std::string::npos);
    }
    CHECK_FALSE(webhook::parse_review(Json::array()).has_value());
  }

  TEST_CASE("decide refuses errors with all of them, their place and what to write") {
    const Decision decision = decided(policy_of({objection("RC001", RuleSeverity::error),
                                                 objection("RC002", RuleSeverity::error),
                                                 objection("RC003", RuleSeverity::warning),
                                                 objection("RC004", RuleSeverity::advice)}),
                                      Endpoint::validate,
                                      Level::enforce);

    CHECK_FALSE(decision.allowed);
    CHECK(decision.message.find(
              "[RC001] the replicas do not divide (at /spec/replicas: found 6, wanted 6)") !=
          std::string::npos);
    CHECK(decision.message.find("\n[RC002]") != std::string::npos);
    CHECK(decision.message.find("RC003") == std::string::npos);
    REQUIRE(decision.warnings.size() == 1);
    CHECK(decision.warnings[0] == "[RC003] the replicas do not divide");
  }

  TEST_CASE("decide does what the level of the namespace says") {
    const auto policy = policy_of({objection("RC001", RuleSeverity::error)});
    struct Case {
      Level level;
      bool allowed;
      std::size_t warnings;
      std::size_t patches;
      std::size_t mutation_warnings;
    };
    for (const Case& it : {Case{Level::enforce, false, 0, 1, 0},
                           Case{Level::warn, true, 1, 0, 1},
                           Case{Level::audit, true, 0, 0, 0},
                           Case{Level::off, true, 0, 0, 0}}) {
      CAPTURE(webhook::to_text(it.level));
      const Decision validated = decided(policy, Endpoint::validate, it.level);
      CHECK(validated.allowed == it.allowed);
      CHECK(validated.warnings.size() == it.warnings);
      CHECK(validated.objections.size() == (it.level == Level::off ? 0U : 1U));
      const Decision mutated = decided(policy, Endpoint::mutate, it.level);
      CHECK(mutated.allowed);
      CHECK(mutated.patch.size() == it.patches);
      CHECK(mutated.warnings.size() == it.mutation_warnings);
    }
  }

  TEST_CASE("decide lets a change pass that leaves an old error as it was") {
    const auto policy = policy_of({objection("RC001", RuleSeverity::error)});
    Json json = review_json();
    json["request"]["operation"] = "UPDATE";
    json["request"]["oldObject"] = json["request"]["object"];

    SUBCASE("the same error only warns") {
      const Decision decision = decided(policy, Endpoint::validate, Level::enforce, json);
      CHECK(decision.allowed);
      CHECK(decision.warnings.size() == 1);
    }
    SUBCASE("an error with another value is a new one") {
      json["request"]["object"]["spec"]["replicas"] = 4;
      CHECK_FALSE(decided(policy, Endpoint::validate, Level::enforce, json).allowed);
    }
  }

  TEST_CASE("decide does not hold up what is being deleted") {
    Json json = review_json();
    json["request"]["object"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    const auto policy = policy_of({objection("RC001", RuleSeverity::error)});

    CHECK(decided(policy, Endpoint::validate, Level::enforce, json).allowed);
  }

  TEST_CASE("answer_of carries the uid, the patch, warnings and the rules for the audit log") {
    const auto review = webhook::parse_review(review_json());
    REQUIRE(review.has_value());
    const auto policy = policy_of(
        {objection("RC002", RuleSeverity::warning), objection("RC001", RuleSeverity::warning)});

    SUBCASE("mutated") {
      const Decision decision = decided(policy, Endpoint::mutate, Level::enforce);
      const Json answer = Json::parse(webhook::answer_of(*review, decision));
      const Json& response = answer["response"];
      CHECK(answer["apiVersion"] == "admission.k8s.io/v1");
      CHECK(response["uid"] == "u-1");
      CHECK(response["allowed"] == true);
      CHECK(response["patchType"] == "JSONPatch");
      CHECK(kube::base64_decode(response["patch"].get<std::string>()) ==
            R"([{"op":"add","path":"/spec/x","value":1}])");
      CHECK(response["auditAnnotations"]["filled-in"] == "1");
    }
    SUBCASE("validated") {
      const Decision decision = decided(policy, Endpoint::validate, Level::enforce);
      const Json response = Json::parse(webhook::answer_of(*review, decision))["response"];
      CHECK(response["allowed"] == true);
      CHECK(response["warnings"].size() == 2);
      CHECK(response["auditAnnotations"]["rules"] == "RC001,RC002");
      CHECK_FALSE(response.contains("patch"));
    }
    SUBCASE("refused") {
      const Decision decision = decided(
          policy_of({objection("RC001", RuleSeverity::error)}), Endpoint::validate, Level::enforce);
      const Json response = Json::parse(webhook::answer_of(*review, decision))["response"];
      CHECK(response["allowed"] == false);
      CHECK(response["status"]["code"] == 403);
      CHECK(response["status"]["message"].get<std::string>().starts_with("[RC001]"));
    }
  }

  TEST_CASE("warning_text fits into 120 bytes, on one line, without half a character") {
    Objection it = objection("RC001", RuleSeverity::warning);
    for (const std::size_t length : {111U, 112U, 113U, 400U}) {
      CAPTURE(length);
      it.message = std::string(length, 'x');
      const std::string text = webhook::warning_text(it);
      CHECK(text.size() <= 120);
      CHECK((text == "[RC001] " + it.message) == (length <= 112));
    }
    it.message = "two\nlines";
    CHECK(webhook::warning_text(it) == "[RC001] two lines");
    it.message.clear();
    for (int i = 0; i < 100; ++i) {
      it.message += "\xc3\xa9";  // Two bytes a character.
    }
    const std::string text = webhook::warning_text(it);
    CHECK(text.size() <= 120);
    CHECK(text.ends_with("\xa9..."));
  }

}  // TEST_SUITE
