// SPDX-License-Identifier: Apache-2.0
#include "webhook/metrics.hpp"

#include <fmt/format.h>

namespace kredis::webhook {
namespace {

constexpr std::string_view k_metric_prefix = "kubectl_redis_webhook_";

/// Label values escape the backslash, the quote and the line end, and nothing else (Prometheus
/// docs, "Exposition formats").
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') {
      text += '\\';
    }
    text += c;
  }
  return text;
}

std::string labels_text(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
  }
  return text.empty() ? text : "{" + text + "}";
}

void print(std::string& text,
           const std::map<std::string, std::map<std::string, double>>& families,
           std::string_view type) {
  for (const auto& [name, series] : families) {
    text += fmt::format("# TYPE {}{} {}\n", k_metric_prefix, name, type);
    for (const auto& [labels, value] : series) {
      text += fmt::format("{}{}{} {}\n", k_metric_prefix, name, labels, value);
    }
  }
}

}  // namespace

void Metrics::count(std::string_view name, const Labels& labels, double amount) {
  const std::lock_guard lock(mutex_);
  counters_[std::string(name)][labels_text(labels)] += amount;
}

void Metrics::set(std::string_view name, const Labels& labels, double value) {
  const std::lock_guard lock(mutex_);
  // By convention of the format only counters end in _total.
  auto& families = name.ends_with("_total") ? counters_ : gauges_;
  families[std::string(name)][labels_text(labels)] = value;
}

void Metrics::set_all(std::string_view name, const std::vector<std::pair<Labels, double>>& series) {
  Series all;
  for (const auto& [labels, value] : series) {
    all[labels_text(labels)] = value;
  }
  const std::lock_guard lock(mutex_);
  if (all.empty()) {
    gauges_.erase(std::string(name));
  } else {
    gauges_[std::string(name)] = std::move(all);
  }
}

void Metrics::observe(std::string_view endpoint, std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  const std::lock_guard lock(mutex_);
  Histogram& histogram = histograms_[std::string(endpoint)];
  for (std::size_t i = 0; i < k_bounds.size(); ++i) {
    // Buckets are cumulative: each counts everything up to its bound.
    histogram.buckets[i] += seconds <= k_bounds[i] ? 1 : 0;
  }
  ++histogram.count;
  histogram.sum += seconds;
}

std::string Metrics::to_text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  print(text, counters_, "counter");
  print(text, gauges_, "gauge");
  if (!histograms_.empty()) {
    text += fmt::format("# TYPE {}review_seconds histogram\n", k_metric_prefix);
  }
  for (const auto& [endpoint, histogram] : histograms_) {
    // By its name: clang 14 captures no structured binding.
    const auto line = [&, name = std::string_view(endpoint)](
                          std::string_view suffix, std::string_view more, auto value) {
      text += fmt::format("{}review_seconds{}{{endpoint=\"{}\"{}}} {}\n",
                          k_metric_prefix,
                          suffix,
                          name,
                          more,
                          value);
    };
    for (std::size_t i = 0; i < k_bounds.size(); ++i) {
      line("_bucket", fmt::format(",le=\"{}\"", k_bounds[i]), histogram.buckets[i]);
    }
    line("_bucket", ",le=\"+Inf\"", histogram.count);
    line("_sum", "", histogram.sum);
    line("_count", "", histogram.count);
  }
  return text;
}

}  // namespace kredis::webhook
