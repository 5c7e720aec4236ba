// SPDX-License-Identifier: Apache-2.0
//
// A drill as text: what would be done, what was seen, and a plot of operations over time. No I/O.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/wire/drill_report.hpp"

namespace kredis::plugin {

/// Which master goes how, and who may take over: for --dry-run and before asking.
std::string render_drill_plan(const wire::DrillReport& report);

/// Times, operations, losses and the plot.
std::string render_drill(const wire::DrillReport& report, const TextStyle& style);

/// Operations per 100 ms on the victim's slots over time, as wide as the terminal: a column stands
/// for one or several intervals. Below, which of them had failures, and when what happened.
std::string render_drill_plot(const wire::DrillReport& report, const TextStyle& style);

}  // namespace kredis::plugin
