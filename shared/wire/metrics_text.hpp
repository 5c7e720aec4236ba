// SPDX-License-Identifier: Apache-2.0
//
// Prometheus' text format -> samples, as far as our own webhook writes it.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::wire {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels = {};
  double value = 0;
};

/// Reads what it can; comments and lines of another shape are left out.
std::vector<Sample> parse_metrics(std::string_view text);

/// The sum over all samples of that name; nothing where there is none.
std::optional<double> sum_of(const std::vector<Sample>& samples, std::string_view name);

/// The upper bound of the histogram's bucket that holds the quantile (0 to 1), all series together;
/// nothing while it is empty. Infinity when it lies above the last bound.
std::optional<double> quantile_of(const std::vector<Sample>& samples,
                                  std::string_view name,
                                  double quantile);

}  // namespace kredis::wire
