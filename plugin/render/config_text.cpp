// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/config_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/render/table.hpp"

namespace kredis::plugin {
namespace {

std::string shown(const wire::Drift& drift, const std::string& value) {
  if (wire::is_secret_setting(drift.name)) {
    return "(secret)";
  }
  return value.empty() ? "\"\"" : value;
}

std::string found_text(const wire::Drift& drift) {
  return drift.known ? shown(drift, drift.found) : "(not known to this server)";
}

}  // namespace

std::string render_drift(const wire::DriftReport& report, const TextStyle& style) {
  std::string text;
  const auto untold = wire::untold_settings(report.config);
  if (!untold.empty()) {
    text += style.dim(fmt::format("not compared, as no node tells: {}", fmt::join(untold, ", "))) +
            "\n";
  }
  if (report.drifts.empty()) {
    return text + fmt::format("all {} nodes run what {} of ConfigMap {} says\n",
                              report.pods,
                              report.key,
                              report.config_map);
  }
  std::vector<std::vector<std::string>> rows;
  for (const wire::NodeDrift& node : report.drifts) {
    for (const wire::Drift& drift : node.drifts) {
      rows.push_back({node.pod,
                      drift.name,
                      shown(drift, drift.wanted),
                      found_text(drift),
                      wire::to_text(drift.mend)});
    }
  }
  return text + render_table({"POD", "SETTING", "WANTED", "RUNS WITH", "MENDED BY"}, rows) +
         style.green("fix:") +
         fmt::format(" kubectl redis config apply {} -n {}\n", report.cluster, report.namespace_);
}

}  // namespace kredis::plugin
