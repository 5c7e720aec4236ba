// SPDX-License-Identifier: Apache-2.0
//
// Counters, gauges and one histogram, printed as Prometheus reads them (text format 0.0.4).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kredis::webhook {

/// Labels of one series, in the order in which they are printed.
using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// Threads: any.
class Metrics {
 public:
  /// Adds to a counter. `name` ends in "_total".
  void count(std::string_view name, const Labels& labels, double amount = 1);
  /// Sets a gauge, or a counter that is kept elsewhere.
  void set(std::string_view name, const Labels& labels, double value);
  /// Sets all series of a gauge: those that are not in `series` are gone.
  void set_all(std::string_view name, const std::vector<std::pair<Labels, double>>& series);
  /// How long a review took.
  void observe(std::string_view endpoint, std::chrono::nanoseconds time);

  std::string to_text() const;

 private:
  static constexpr std::array k_bounds{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0};
  struct Histogram {
    std::array<std::int64_t, k_bounds.size()> buckets{};
    std::int64_t count = 0;
    double sum = 0;
  };
  using Series = std::map<std::string, double>;  // By its labels as text.

  mutable std::mutex mutex_;
  std::map<std::string, Series> counters_;
  std::map<std::string, Series> gauges_;
  std::map<std::string, Histogram> histograms_;  // By endpoint.
};

}  // namespace kredis::webhook
