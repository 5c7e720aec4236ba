// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/webhook_text.hpp"

#include <cmath>

#include <fmt/format.h>

#include "plugin/render/human.hpp"
#include "plugin/render/table.hpp"

namespace kredis::plugin {
namespace {

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

std::string replicas_table(const wire::WebhookView& view, std::int64_t now) {
  std::vector<std::vector<std::string>> rows;
  for (const wire::WebhookReplica& replica : view.replicas) {
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

std::string configurations_line(const wire::WebhookView& view) {
  std::string text;
  for (const wire::WebhookConfiguration& each : view.configurations) {
    if (each.present) {
      text += fmt::format("{}{}: {}",
                          text.empty() ? "" : ", ",
                          each.kind.starts_with("Mutating") ? "fill in" : "refuse",
                          each.failure_policy);
    }
  }
  return text.empty() ? text : "when no replica answers: " + text + "\n";
}

}  // namespace

std::string render_webhook(const wire::WebhookView& view,
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

}  // namespace kredis::plugin
