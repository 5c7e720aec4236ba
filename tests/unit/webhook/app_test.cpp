// SPDX-License-Identifier: Apache-2.0
#include "webhook/app.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "shared/core/labels.hpp"
#include "tests/unit/webhook/observer_bed.hpp"

namespace kredis::webhook {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string review_of(const Json& changes = Json::object()) {
  Json review = Json::parse(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
    "request":{"uid":"u-1","operation":"CREATE",
    "kind":{"group":"apps","version":"v1","kind":"StatefulSet"},
    "resource":{"group":"apps","version":"v1","resource":"statefulsets"},
    "namespace":"shop","name":"redis-app","userInfo":{"username":"eve"},
    "object":{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":5}}}})");
  review["request"].merge_patch(changes);
  return review.dump();
}

std::string eviction_of(const std::string& pod, bool dry_run = false) {
  return review_of({{"kind", {{"group", "policy"}, {"kind", "Eviction"}}},
                    {"resource", {{"group", ""}, {"resource", "pods"}}},
                    {"subResource", "eviction"},
                    {"name", pod},
                    {"dryRun", dry_run},
                    {"object", {{"kind", "Eviction"}, {"spec", nullptr}}}});
}

/// Objects to everything with one error, and patches everything.
Policy strict() {
  const policy::Objection objection{.rule = "RC001",
                                    .severity = policy::RuleSeverity::error,
                                    .path = "/spec/replicas",
                                    .found = "5",
                                    .wanted = "6",
                                    .message = "the replicas do not divide"};
  return {.mutate =
              [](const Json& object, const policy::Surroundings&) {
                return policy::Verdict{
                    .recognised = true,
                    .patch = Json::array({{{"op", "add"}, {"path", "/spec/x"}, {"value", 1}}}),
                    .mutated = object};
              },
          .validate =
              [objection](const Json&, const policy::Surroundings&) {
                return policy::Verdict{.recognised = true, .objections = {objection}};
              },
          .silence = [](const Json&, const policy::Surroundings&) { return policy::Silence{}; }};
}

/// Knows nothing, and says why where `because` does.
Policy lenient(const std::string& because = "") {
  return {.mutate = [](const Json&, const policy::Surroundings&) { return policy::Verdict{}; },
          .validate = [](const Json&, const policy::Surroundings&) { return policy::Verdict{}; },
          .silence =
              [because](const Json&, const policy::Surroundings&) {
                return policy::Silence{.because = because};
              }};
}

struct AppBed {
  explicit AppBed(Policy policy, const Snapshot* snapshot = nullptr)
      : app(config, std::move(policy), snapshot, log, metrics) {}

  Answer get(const std::string& target) { return app.handle({.method = "GET", .target = target}); }
  Answer post(const std::string& target, const std::string& body) {
    return app.handle({.method = "POST",
                       .target = target,
                       .content_type = "application/json; charset=utf-8",
                       .body = body});
  }
  Json response(const std::string& target, const std::string& body) {
    return Json::parse(post(target, body).body, nullptr, false)["response"];
  }

  StderrCapture output;
  Config config;
  Log log{LogLevel::debug};
  Metrics metrics;
  App app;
};

TEST_SUITE("webhook/app") {
  TEST_CASE("each path answers its methods, and says what it wants otherwise") {
    AppBed bed(lenient());
    struct Case {
      const char* label;
      Request request;
      int status;
      const char* body;
    };
    for (const Case& it :
         {Case{"alive", {"GET", "/healthz", "", ""}, 200, "ok\n"},
          Case{"alive, with a query", {"GET", "/healthz?verbose", "", ""}, 200, "ok\n"},
          Case{"ready without a snapshot", {"GET", "/readyz", "", ""}, 200, "ok\n"},
          Case{"version", {"GET", "/version", "", ""}, 200, "{\"version\":\"" KREDIS_VERSION "\"}"},
          Case{"unknown", {"GET", "/nowhere", "", ""}, 404, "nothing here\n"},
          Case{"the root", {"GET", "/", "", ""}, 404, "nothing here\n"},
          Case{"posted health", {"POST", "/healthz", "", ""}, 405, "only GET here\n"},
          Case{"posted root", {"POST", "/", "", ""}, 404, "only GET here\n"},
          Case{"fetched review", {"GET", "/validate", "", ""}, 405, "reviews are sent with POST\n"},
          Case{"no type", {"POST", "/mutate", "", "{}"}, 415, "reviews are application/json\n"},
          Case{"text", {"POST", "/mutate", "text/plain", "{}"}, 415, "reviews are application/"},
          Case{"no JSON", {"POST", "/mutate", "application/json", "{"}, 400, ""},
          Case{"no review", {"POST", "/validate", "Application/JSON", "{}"}, 400, ""}}) {
      CAPTURE(it.label);
      const Answer answer = bed.app.handle(it.request);
      CHECK(answer.status == it.status);
      CHECK(answer.body.starts_with(it.body));
    }
  }

  TEST_CASE("a review that cannot be answered is counted and told, whatever was wrong") {
    AppBed bed(lenient());
    bed.post("/validate", "{");
    bed.get("/mutate");
    const std::string text = bed.get("/metrics").body;
    CHECK(contains(text, "requests_total{endpoint=\"validate\",code=\"400\"} 1"));
    CHECK(contains(text, "requests_total{endpoint=\"mutate\",code=\"405\"} 1"));
    CHECK(bed.output.lines("not a review that can be answered").size() == 2);
  }

  TEST_CASE("a review is answered, counted, timed and written down") {
    AppBed bed(strict());
    const Json refused = bed.response("/validate", review_of());
    CHECK(refused["uid"] == "u-1");
    CHECK(refused["allowed"] == false);
    CHECK(contains(refused["status"]["message"], "[RC001] the replicas do not divide"));
    CHECK(bed.response("/mutate", review_of())["patchType"] == "JSONPatch");

    const std::string text = bed.get("/metrics").body;
    for (const char* line :
         {"reviews_total{endpoint=\"validate\",operation=\"CREATE\",result=\"refused\"} 1",
          "reviews_total{endpoint=\"mutate\",operation=\"CREATE\",result=\"mutated\"} 1",
          "objections_total{rule=\"RC001\",severity=\"error\"} 1",
          "requests_total{endpoint=\"validate\",code=\"200\"} 1",
          "review_seconds_count{endpoint=\"validate\"} 1"}) {
      CAPTURE(line);
      CHECK(contains(text, line));
    }
    const auto lines = bed.output.lines("reviewed");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["user"] == "eve");
    CHECK(lines[0]["rules"] == Json::array({"RC001"}));
    CHECK(lines[0]["result"] == "refused");
    const auto filled = bed.output.lines("filled in");
    REQUIRE(filled.size() == 1);
    CHECK(filled[0]["paths"] == Json::array({"/spec/x"}));
  }

  TEST_CASE("other people's objects are let through without a line in the log") {
    AppBed bed(lenient());
    CHECK(bed.response("/validate", review_of())["allowed"] == true);
    CHECK(bed.output.lines("reviewed").empty());
    CHECK(contains(bed.get("/metrics").body, "result=\"allowed\"} 1"));
  }

  TEST_CASE("what runs Redis and is not judged is counted and written down") {
    AppBed bed(lenient("the Secret hidden holds it"));
    CHECK(bed.response("/validate", review_of())["warnings"] ==
          Json::array({"not judged: the Secret hidden holds it"}));
    CHECK(contains(bed.metrics.to_text(), "not_judged_total{kind=\"StatefulSet\"} 1"));
    const auto lines = bed.output.lines("reviewed");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["notJudged"] == "the Secret hidden holds it");
  }

  TEST_CASE("a rule that fails decides nothing: failurePolicy does") {
    Policy broken = lenient();
    broken.validate = [](const Json&, const policy::Surroundings&) -> policy::Verdict {
      throw std::runtime_error("out of its depth");
    };
    AppBed bed(broken);
    const Answer answer = bed.post("/validate", review_of());
    CHECK(answer.status == 500);
    CHECK(answer.body == "a rule failed\n");
    const auto lines = bed.output.lines("a rule failed");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["why"] == "out of its depth");
    CHECK(lines[0]["kind"] == "StatefulSet");
  }

  TEST_CASE("ready is who has read the cluster, until it is about to go") {
    ObserverBed cluster;
    AppBed bed(lenient(), &cluster.snapshot);
    CHECK(bed.get("/readyz").status == 503);
    CHECK(bed.get("/readyz").body == "still reading the cluster\n");
    cluster.read();
    CHECK(bed.get("/readyz").status == 200);
    bed.app.retire();
    CHECK(bed.get("/readyz").status == 503);
    CHECK(bed.get("/readyz").body == "going away\n");
    CHECK(bed.get("/healthz").status == 200);
  }

  TEST_CASE("the level is the namespace's, and the default where it says none or misspells it") {
    ObserverBed cluster;
    for (const auto& [name, level] : {std::pair("shop", "warn"), std::pair("slip", "wran")}) {
      cluster.kube.put(
          "namespaces",
          {{"kind", "Namespace"},
           {"metadata",
            {{"name", name}, {"labels", {{std::string(core::k_policy_label), level}}}}}});
    }
    cluster.read();
    AppBed bed(strict(), &cluster.snapshot);
    const auto allowed = [&bed](const char* namespace_) {
      return bed.response("/validate", review_of({{"namespace", namespace_}}))["allowed"] == true;
    };
    CHECK(allowed("shop"));
    CHECK_FALSE(allowed("slip"));
    CHECK_FALSE(allowed("unknown"));
  }

  TEST_CASE("figures that are kept elsewhere are fetched when somebody scrapes") {
    AppBed bed(lenient());
    int scrapes = 0;
    bed.app.on_scrape([&] { bed.metrics.set("connections", {}, ++scrapes); });
    CHECK(contains(bed.get("/metrics").body, "kubectl_redis_webhook_connections 1\n"));
    const Answer answer = bed.get("/metrics");
    CHECK(contains(answer.body, "kubectl_redis_webhook_connections 2\n"));
    CHECK(answer.content_type == "text/plain; version=0.0.4");
  }

  TEST_CASE("of two evictions a moment apart the second is refused, as the first takes a copy") {
    ObserverBed cluster;
    cluster.add_article();
    cluster.look();
    AppBed bed(lenient(), &cluster.snapshot);
    bed.app.watch_with(&cluster.observer);

    // A dry run lets nobody go, and a mutation asks no guard.
    CHECK(bed.response("/validate", eviction_of("redis-app-0", true))["allowed"] == true);
    CHECK(bed.response("/mutate", eviction_of("redis-app-0"))["allowed"] == true);
    CHECK(cluster.observer.sight(tests::article_set(6)).leaving.empty());
    CHECK(bed.response("/validate", eviction_of("redis-app-0"))["allowed"] == true);
    const Json second = bed.response("/validate", eviction_of("redis-app-3"));
    CHECK(second["allowed"] == false);
    CHECK(second["status"]["code"] == 429);
    CHECK(contains(second["status"]["message"],
                   "[RG002] redis-app-3 holds the last copy of 5461 slots, as seen 0 s ago"));
    CHECK(second["auditAnnotations"]["view-age"] == "0s");
  }
}

}  // namespace
}  // namespace kredis::webhook
