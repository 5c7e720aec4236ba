// SPDX-License-Identifier: Apache-2.0
//
// Hand-overs as text: what would be done, what may be lost, what was done. No I/O.
#pragma once

#include <string>
#include <vector>

#include "plugin/terminal/text_style.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/wire/failover_report.hpp"

namespace kredis::plugin {

/// Stages and steps with their reasons, as --dry-run prints any plan.
std::string render_plan(const core::Plan& plan);

/// What --force or --takeover may cost, a line a shard; empty for planned hand-overs.
std::string render_risk(const std::vector<core::HandOver>& hand_overs);

/// Who is master of what now and who follows, and how long it took.
std::string render_failover(const wire::FailoverReport& report, const TextStyle& style);

}  // namespace kredis::plugin
