// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/webhook_text.hpp"

#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "plugin/render/human.hpp"
#include "plugin/render/table.hpp"

namespace kredis::plugin {
namespace {

std::string date_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string end_text(const std::optional<std::int64_t>& end, std::int64_t now) {
  if (!end) {
    return "-";
  }
  return *end <= now ? "over" : "in " + human_age(*end - now);
}

std::string latency_text(std::optional<double> seconds) {
  if (!seconds) {
    return "-";
  }
  return std::isinf(*seconds) ? "over 1s" : fmt::format("<{:g}ms", *seconds * 1000);
}

std::string count_text(double count) { return human_count(static_cast<std::int64_t>(count)); }

std::string replicas_table(const WebhookView& view, std::int64_t now) {
  std::vector<std::vector<std::string>> rows;
  for (const WebhookReplica& replica : view.replicas) {
    rows.push_back(
        {replica.pod,
         replica.node.empty() ? "-" : replica.node,
         replica.ready ? "yes" : "no",
         replica.version.empty() ? "-" : replica.version,
         replica.view_age ? human_age(static_cast<std::int64_t>(*replica.view_age)) : "-",
         count_text(replica.reviews),
         count_text(replica.refused),
         end_text(replica.certificate_until, now),
         end_text(replica.authority_until, now)});
  }
  return render_table({"REPLICA",
                       "NODE",
                       "READY",
                       "VERSION",
                       "VIEW AGE",
                       "REVIEWS",
                       "REFUSED",
                       "CERTIFICATE ENDS",
                       "AUTHORITY ENDS"},
                      rows);
}

std::string configurations_line(const WebhookView& view) {
  std::string text;
  for (const WebhookConfiguration& each : view.configurations) {
    if (each.present) {
      text += fmt::format("{}{}: {}",
                          text.empty() ? "" : ", ",
                          each.kind.starts_with("Mutating") ? "fill in" : "refuse",
                          each.failure_policy);
    }
  }
  return text.empty() ? text : "when no replica answers: " + text + "\n";
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

std::string render_webhook(const WebhookView& view,
                           const TextStyle& style,
                           std::int64_t now_seconds) {
  if (!view.installed) {
    return "the webhook is not installed in namespace " + view.namespace_ + "\n";
  }
  std::string text = fmt::format("webhook in namespace {}: {}\n{}\n{}",
                                 view.namespace_,
                                 view.image,
                                 configurations_line(view),
                                 replicas_table(view, now_seconds));
  std::vector<std::vector<std::string>> rules;
  for (const auto& [rule, count] : view.objections()) {
    rules.push_back({rule, count_text(count)});
  }
  if (!rules.empty()) {
    text += "\n" + render_table({"RULE", "OBJECTIONS"}, rules);
  }
  text += fmt::format("\nreviews took {} (half of them), {} (99 of 100)\n",
                      latency_text(view.latency(0.5)),
                      latency_text(view.latency(0.99)));
  for (const std::string& finding : view.findings()) {
    text += style.red("wrong:") + " " + finding + "\n";
  }
  return text;
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
      {"apiVersion", "kubectl-redis.dev/v1"},
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

}  // namespace kredis::plugin
