// SPDX-License-Identifier: Apache-2.0
//
// The machine's own clock.
#pragma once

#include <thread>

#include "shared/ports/clock.hpp"

namespace kredis::system {

class SteadyClock : public ports::ClockPort {
 public:
  ports::Deadline now() override { return ports::Clock::now(); }
  void sleep_until(ports::Deadline then) override { std::this_thread::sleep_until(then); }
};

/// The one that everybody shares.
inline ports::ClockPort& steady_clock() {
  static SteadyClock clock;
  return clock;
}

}  // namespace kredis::system
