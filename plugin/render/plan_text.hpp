// SPDX-License-Identifier: Apache-2.0
//
// A plan for people: what would be done and why, and what it may cost.
#pragma once

#include <string>

#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Stages with a line a step, its reason behind it. A title that stands twice is written once.
std::string render_plan(const core::Plan& plan);

/// What the riskiest steps may take away, a line each; empty without a risk.
std::string render_costs(const core::Plan& plan);

}  // namespace kredis::plugin
