// SPDX-License-Identifier: Apache-2.0
//
// Time as deadlines are told in: one clock that only goes forward.
#pragma once

#include <chrono>

namespace kredis::ports {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

}  // namespace kredis::ports
