// SPDX-License-Identifier: Apache-2.0
//
// Time as deadlines are told in, and the one who tells it, so that tests need not wait.
#pragma once

#include <chrono>

namespace kredis::ports {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// Threads: any.
class ClockPort {
 public:
  virtual ~ClockPort() = default;
  virtual Deadline now() = 0;
  virtual void sleep_until(Deadline then) = 0;
};

}  // namespace kredis::ports
