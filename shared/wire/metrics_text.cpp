// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/metrics_text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace kredis::wire {
namespace {

std::optional<double> to_value(std::string_view text) {
  if (text == "+Inf") {
    return std::numeric_limits<double>::infinity();
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

/// Reads `name="value",...}` and returns what follows the brace; nothing when it is broken.
std::optional<std::string_view> take_labels(std::string_view text, Sample& sample) {
  while (!text.empty() && text.front() != '}') {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) {
      return std::nullopt;
    }
    std::string& value = sample.labels[std::string(text.substr(0, equals))];
    std::size_t at = equals + 2;
    for (; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) {
        ++at;
        value += text[at] == 'n' ? '\n' : text[at];
      } else {
        value += text[at];
      }
    }
    if (at == text.size()) {
      return std::nullopt;
    }
    text.remove_prefix(at + 1);
    if (text.starts_with(",")) {
      text.remove_prefix(1);
    }
  }
  return text.empty() ? std::nullopt : std::optional(text.substr(1));
}

std::optional<Sample> parse_sample(std::string_view line) {
  const std::size_t end = line.find_first_of("{ ");
  if (line.empty() || line.front() == '#' || end == std::string_view::npos) {
    return std::nullopt;
  }
  Sample sample{.name = std::string(line.substr(0, end))};
  std::string_view rest = line.substr(end);
  if (rest.front() == '{') {
    const auto after = take_labels(rest.substr(1), sample);
    if (!after) {
      return std::nullopt;
    }
    rest = *after;
  }
  const auto value = rest.starts_with(" ") ? to_value(rest.substr(1)) : std::nullopt;
  if (!value) {
    return std::nullopt;
  }
  sample.value = *value;
  return sample;
}

}  // namespace

std::vector<Sample> parse_metrics(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto sample = parse_sample(text.substr(0, end))) {
      samples.push_back(std::move(*sample));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return samples;
}

std::optional<double> sum_of(const std::vector<Sample>& samples, std::string_view name) {
  std::optional<double> sum;
  for (const Sample& sample : samples) {
    if (sample.name == name) {
      sum = sum.value_or(0) + sample.value;
    }
  }
  return sum;
}

std::optional<double> quantile_of(const std::vector<Sample>& samples,
                                  std::string_view name,
                                  double quantile) {
  std::map<double, double> counts;  // By upper bound, over all series.
  for (const Sample& sample : samples) {
    const auto bound = sample.labels.find("le");
    const auto value = bound != sample.labels.end() ? to_value(bound->second) : std::nullopt;
    if (sample.name == std::string(name) + "_bucket" && value) {
      counts[*value] += sample.value;
    }
  }
  const double all = counts.empty() ? 0 : counts.rbegin()->second;
  for (const auto& [bound, count] : counts) {
    if (all > 0 && count >= quantile * all) {
      return bound;
    }
  }
  return std::nullopt;
}

}  // namespace kredis::wire
