// SPDX-License-Identifier: Apache-2.0
//
// Drift from redis.conf as text. Passwords are never in it.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/wire/drift_report.hpp"

namespace kredis::plugin {

std::string render_drift(const wire::DriftReport& report, const TextStyle& style);

}  // namespace kredis::plugin
