// SPDX-License-Identifier: Apache-2.0
//
// What `webhook status` makes of the replicas' own words, and what `install` proves itself with.
#include <doctest/doctest.h>

#include <algorithm>

#include "plugin/operations/webhook/install.hpp"
#include "plugin/operations/webhook/view.hpp"
#include "plugin/render/webhook_text.hpp"
#include "shared/policy/review.hpp"
#include "tests/support/golden.hpp"

namespace kredis::plugin {
namespace {

constexpr std::int64_t k_now = 1'800'000'000;
constexpr std::int64_t k_day = 86'400;

std::string metrics(int refused) {
  const std::string begin = "kubectl_redis_webhook_";
  return begin +
         "reviews_total{endpoint=\"mutate\",operation=\"CREATE\",result=\"mutated\"} 1200\n" +
         begin + "reviews_total{endpoint=\"validate\",operation=\"CREATE\",result=\"refused\"} " +
         std::to_string(refused) + "\n" + begin +
         "objections_total{rule=\"RC002\",severity=\"error\"} 2\n" + begin +
         "objections_total{rule=\"RC006\",severity=\"error\"} 1\n" + begin +
         "view_age_seconds 12.5\n" + begin + "certificate_begins_seconds " +
         std::to_string(k_now - k_day) + "\n" + begin + "certificate_ends_seconds " +
         std::to_string(k_now + 89 * k_day) + "\n" + begin + "authority_ends_seconds " +
         std::to_string(k_now + 364 * k_day) + "\n" + begin +
         "review_seconds_bucket{endpoint=\"mutate\",le=\"0.0005\"} 90\n" + begin +
         "review_seconds_bucket{endpoint=\"mutate\",le=\"0.001\"} 100\n" + begin +
         "review_seconds_bucket{endpoint=\"mutate\",le=\"+Inf\"} 100\n";
}

wire::WebhookView sound_view() {
  wire::WebhookView view{.namespace_ = "kubectl-redis-system",
                         .installed = true,
                         .image = "kubectl-redis-webhook:1.2.3",
                         .wanted = 2};
  for (const char* name : {"a", "b"}) {
    wire::WebhookReplica replica{.pod = std::string("kubectl-redis-webhook-") + name,
                                 .node = std::string("node-") + name,
                                 .ready = true,
                                 .version = "1.2.3"};
    wire::take_metrics(replica, metrics(3));
    view.replicas.push_back(replica);
  }
  view.configurations = {{.kind = "MutatingWebhookConfiguration",
                          .failure_policy = "Ignore",
                          .present = true,
                          .trusted = true},
                         {.kind = "ValidatingWebhookConfiguration",
                          .failure_policy = "Fail",
                          .present = true,
                          .trusted = true}};
  return view;
}

bool mentions(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
}

}  // namespace

TEST_SUITE("plugin/webhook") {
  TEST_CASE("take_metrics reads reviews, dates and the age of the view") {
    wire::WebhookReplica replica{.pod = "one"};
    wire::take_metrics(replica, metrics(3));
    CHECK(replica.reviews == 1203);
    CHECK(replica.refused == 3);
    CHECK(replica.view_age == doctest::Approx(12.5));
    CHECK(replica.certificate_until == k_now + 89 * k_day);
    CHECK(replica.authority_until == k_now + 364 * k_day);
  }

  TEST_CASE("a view sums over its replicas and finds nothing wrong when nothing is") {
    const wire::WebhookView view = sound_view();
    CHECK(view.objections() == std::map<std::string, double>{{"RC002", 4}, {"RC006", 2}});
    CHECK(view.latency(0.5) == doctest::Approx(0.0005));
    CHECK(view.latency(0.99) == doctest::Approx(0.001));
    CHECK(view.findings().empty());
  }

  TEST_CASE("a view names what is wrong") {
    wire::WebhookView view = sound_view();
    view.replicas[1].ready = false;
    view.replicas[1].trouble = "CrashLoopBackOff";
    view.configurations[0].trusted = false;
    view.configurations[1].present = false;
    const auto findings = view.findings();
    CHECK(mentions(findings, "kubectl-redis-webhook-b: CrashLoopBackOff"));
    CHECK(mentions(findings, "1 of 2 replicas are ready"));
    CHECK(mentions(findings, "MutatingWebhookConfiguration trusts no authority yet"));
    CHECK(mentions(findings, "there is no ValidatingWebhookConfiguration"));
  }

  TEST_CASE("webhook status on the screen") {
    testing::check_golden("webhook/status.txt", render_webhook(sound_view(), TextStyle(), k_now));
  }

  TEST_CASE("webhook status as JSON") {
    testing::check_golden("webhook/status.json", wire::webhook_report(sound_view()).dump(2) + "\n");
  }

  TEST_CASE("the object of the proof is refused by a rule that looks at it alone") {
    const policy::Surroundings blind;
    const auto completed = policy::mutate(broken_object("default"), blind);
    const auto verdict = policy::validate(
        completed.patch.empty() ? broken_object("default") : completed.mutated, blind);
    CHECK(verdict.recognised);
    CHECK(std::any_of(verdict.objections.begin(), verdict.objections.end(), [](const auto& each) {
      return each.rule == "RC006" && each.severity == policy::RuleSeverity::error;
    }));
  }
}

}  // namespace kredis::plugin
