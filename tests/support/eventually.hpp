// SPDX-License-Identifier: Apache-2.0
//
// Waiting for what other threads or processes bring about. Where a fake can tell of it, wait for
// that instead (Signal): it is surer and faster than asking again and again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace kredis::tests {

/// For the slowest machine only.
inline constexpr std::chrono::seconds k_patience{30};

/// Something that happens now and then. Threads: any.
class Signal {
 public:
  void raise() {
    const std::scoped_lock lock(mutex_);
    ++raised_;
    came_.notify_all();
  }
  /// Waits until it was raised `times` in all. False when it was not in time.
  bool wait(std::uint64_t times = 1) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, k_patience, [&] { return raised_ >= times; });
  }
  /// Waits until it is raised once more.
  bool wait_for_next() {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, k_patience, [&, seen = raised_] { return raised_ > seen; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::uint64_t raised_ = 0;
};

/// Asks until it holds, for what nothing tells of: another process, or a thread of the product.
template <typename Condition>
bool eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + k_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace kredis::tests
