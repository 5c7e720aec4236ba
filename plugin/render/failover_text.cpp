// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/failover_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/render/human.hpp"
#include "plugin/render/table.hpp"

namespace kredis::plugin {
namespace {

std::string node_and_zone(const core::Pod& pod) {
  const core::FailureDomain& at = pod.domain;
  return at.zone.empty() || at.node.empty() ? at.node + at.zone : at.node + " (" + at.zone + ")";
}

}  // namespace

std::string render_failover(const wire::FailoverReport& report, const TextStyle& style) {
  std::vector<std::vector<std::string>> rows;
  for (const core::HandOver& each : report.hand_overs) {
    rows.push_back({each.slots.to_text(),
                    style.bold(each.to_pod.name),
                    node_and_zone(each.to_pod),
                    each.from_name() + (each.from_answers ? ", follows" : ", silent"),
                    node_and_zone(each.from_pod)});
  }
  std::string text = render_table({"SLOTS", "MASTER NOW", "ON", "MASTER BEFORE", "ON"}, rows);
  const double seconds = static_cast<double>(report.took.count()) / 1000;
  text += report.silent.empty()
              ? fmt::format("every node shows it; it took {:.1f} s\n", seconds)
              : fmt::format("every node that answers shows it; it took {:.1f} s; silent: {}\n",
                            seconds,
                            fmt::join(report.silent, ", "));
  return text;
}

}  // namespace kredis::plugin
