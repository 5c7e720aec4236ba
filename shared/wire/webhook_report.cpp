// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/webhook_report.hpp"

#include <cmath>
#include <ctime>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "shared/wire/report.hpp"

namespace kredis::wire {
namespace {

constexpr std::string_view k_prefix = "kubectl_redis_webhook_";

std::string named(std::string_view metric) { return std::string(k_prefix) + std::string(metric); }

std::optional<std::int64_t> time_in(const std::vector<Sample>& samples, std::string_view metric) {
  const auto value = sum_of(samples, named(metric));
  return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::string date_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

Json or_null(const auto& value) { return value ? Json(*value) : Json(); }

Json date_or_null(const std::optional<std::int64_t>& seconds) {
  return seconds ? Json(date_text(*seconds)) : Json();
}

Json seconds_or_null(std::optional<double> seconds) {
  return seconds && !std::isinf(*seconds) ? Json(*seconds) : Json();
}

Json replica_report(const WebhookReplica& replica) {
  return {{"pod", replica.pod},
          {"node", replica.node},
          {"ready", replica.ready},
          {"version", replica.version},
          {"trouble", replica.trouble},
          {"viewAgeSeconds", or_null(replica.view_age)},
          {"reviews", static_cast<std::int64_t>(replica.reviews)},
          {"refused", static_cast<std::int64_t>(replica.refused)},
          {"certificate",
           {{"notBefore", date_or_null(replica.certificate_from)},
            {"notAfter", date_or_null(replica.certificate_until)}}},
          {"authority", {{"notAfter", date_or_null(replica.authority_until)}}}};
}

}  // namespace

void take_metrics(WebhookReplica& replica, const std::string& text) {
  replica.samples = parse_metrics(text);
  replica.view_age = sum_of(replica.samples, named("view_age_seconds"));
  replica.certificate_from = time_in(replica.samples, "certificate_begins_seconds");
  replica.certificate_until = time_in(replica.samples, "certificate_ends_seconds");
  replica.authority_until = time_in(replica.samples, "authority_ends_seconds");
  for (const Sample& sample : replica.samples) {
    const auto result = sample.labels.find("result");
    if (sample.name == named("reviews_total")) {
      replica.reviews += sample.value;
      replica.refused +=
          result != sample.labels.end() && result->second == "refused" ? sample.value : 0;
    }
  }
}

std::map<std::string, double> WebhookView::objections() const {
  std::map<std::string, double> counts;
  for (const WebhookReplica& replica : replicas) {
    for (const Sample& sample : replica.samples) {
      if (sample.name == named("objections_total") && sample.labels.contains("rule")) {
        counts[sample.labels.at("rule")] += sample.value;
      }
    }
  }
  return counts;
}

std::optional<double> WebhookView::latency(double quantile) const {
  std::vector<Sample> all;
  for (const WebhookReplica& replica : replicas) {
    all.insert(all.end(), replica.samples.begin(), replica.samples.end());
  }
  return quantile_of(all, named("review_seconds"), quantile);
}

std::vector<std::string> WebhookView::findings() const {
  std::vector<std::string> lines;
  int ready = 0;
  for (const WebhookReplica& replica : replicas) {
    ready += replica.ready ? 1 : 0;
    if (!replica.trouble.empty()) {
      lines.push_back(replica.pod + ": " + replica.trouble);
    }
  }
  if (ready < wanted) {
    lines.push_back(fmt::format("{} of {} replicas are ready", ready, wanted));
  }
  for (const WebhookConfiguration& each : configurations) {
    if (!each.present) {
      lines.push_back("there is no " + each.kind + ": nobody asks the webhook");
    } else if (!each.trusted) {
      lines.push_back("the " + each.kind + " trusts no authority yet");
    }
  }
  return lines;
}

Json webhook_report(const WebhookView& view) {
  Json replicas = Json::array();
  for (const WebhookReplica& replica : view.replicas) {
    replicas.push_back(replica_report(replica));
  }
  Json configurations = Json::array();
  for (const WebhookConfiguration& each : view.configurations) {
    configurations.push_back({{"kind", each.kind},
                              {"present", each.present},
                              {"trusted", each.trusted},
                              {"failurePolicy", each.failure_policy}});
  }
  Json objections = Json::object();
  for (const auto& [rule, count] : view.objections()) {
    objections[rule] = static_cast<std::int64_t>(count);
  }
  return {
      {"apiVersion", k_report_api},
      {"kind", "WebhookStatus"},
      {"namespace", view.namespace_},
      {"installed", view.installed},
      {"image", view.image},
      {"wantedReplicas", view.wanted},
      {"replicas", replicas},
      {"configurations", configurations},
      {"objections", objections},
      {"latencySeconds",
       {{"p50", seconds_or_null(view.latency(0.5))}, {"p99", seconds_or_null(view.latency(0.99))}}},
      {"findings", view.findings()}};
}

}  // namespace kredis::wire
