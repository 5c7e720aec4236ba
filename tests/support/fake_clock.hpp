// SPDX-License-Identifier: Apache-2.0
//
// A clock that moves only when somebody sleeps, so that a test of minutes takes none.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>

#include "shared/ports/clock.hpp"

namespace kredis::tests {

class FakeClock : public ports::ClockPort {
 public:
  ports::Deadline now() override {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  void sleep_until(ports::Deadline then) override {
    {
      const std::scoped_lock lock(mutex_);
      now_ = std::max(now_, then);
    }
    if (on_sleep) {
      on_sleep();
    }
  }
  /// How much time has gone by.
  std::chrono::milliseconds slept() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now() - k_start);
  }

  /// Called after each sleep, as the world goes on meanwhile.
  std::function<void()> on_sleep = {};

 private:
  static constexpr ports::Deadline k_start{std::chrono::hours(1)};
  std::mutex mutex_;
  ports::Deadline now_ = k_start;
};

}  // namespace kredis::tests
