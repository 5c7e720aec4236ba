// SPDX-License-Identifier: Apache-2.0
//
// Durations as kubectl's flags take them: "30s", "5m", "1h30m", "500ms", "200us", or a number of
// seconds.
#pragma once

#include <chrono>
#include <string_view>

#include "shared/core/result.hpp"

namespace kredis::wire {

/// Errors: invalid_argument, quoting the text. Longest: 1,000 hours.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

}  // namespace kredis::wire
