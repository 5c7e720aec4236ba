// SPDX-License-Identifier: Apache-2.0
//
// Hand-overs as text: what was done. No I/O.
#pragma once

#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/wire/failover_report.hpp"

namespace kredis::plugin {

/// Who is master of what now and who follows, and how long it took.
std::string render_failover(const wire::FailoverReport& report, const TextStyle& style);

}  // namespace kredis::plugin
