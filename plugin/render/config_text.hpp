// SPDX-License-Identifier: Apache-2.0
//
// Drift from redis.conf, and the plan that mends it, as text. Passwords are never in it.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/wire/config_plan.hpp"
#include "shared/wire/drift_report.hpp"

namespace kredis::plugin {

std::string render_drift(const wire::DriftReport& report, const TextStyle& style);

std::string render_config_plan(const wire::ConfigPlan& plan);

}  // namespace kredis::plugin
