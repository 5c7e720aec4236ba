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

std::string names_of(const std::vector<wire::Drift>& drifts) {
  std::vector<std::string> names;
  for (const wire::Drift& drift : drifts) {
    names.push_back(drift.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
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

std::string render_config_plan(const wire::ConfigPlan& plan) {
  std::string text;
  for (const wire::LiveChange& change : plan.live) {
    for (const wire::Drift& drift : change.drifts) {
      text += fmt::format("set {} {} on {}  # was {}\n",
                          drift.name,
                          shown(drift, drift.wanted),
                          change.pod,
                          found_text(drift));
    }
  }
  for (const wire::PodRestart& restart : plan.restarts) {
    const bool master = restart.role == core::Role::master;
    text +=
        fmt::format("restart {}  # {}: {}\n",
                    restart.pod,
                    restart.is_outage ? "its slots are away meanwhile, it has no replica in step"
                    : master          ? "a master, after a hand-over"
                                      : "a replica",
                    names_of(restart.drifts));
  }
  return text;
}

}  // namespace kredis::plugin
