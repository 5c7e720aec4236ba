// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_pace.hpp"

#include <algorithm>

namespace kredis::plugin {
namespace {

constexpr double k_first_keys = 50;
constexpr double k_most_keys = 2000;
/// However busy a node is, a burst takes no longer than so many times the bound beyond it.
constexpr int k_most_usual = 9;
/// What one key is taken to be at most where sizes are known; a larger one is alone in its burst.
constexpr std::int64_t k_most_bytes = std::int64_t{4} << 20;

}  // namespace

MovePace::MovePace(const MoveLimits& limits, std::size_t pairs)
    : most_(limits.max_latency),
      bytes_per_second_(limits.bytes_per_second
                            ? static_cast<double>(*limits.bytes_per_second) /
                                  static_cast<double>(std::max<std::size_t>(1, pairs))
                            : 0),
      keys_(k_first_keys) {}

void MovePace::usual(std::chrono::microseconds waits) {
  const std::lock_guard lock(mutex_);
  most_ += std::min(waits, most_ * k_most_usual);
}

std::size_t MovePace::keys() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::max(1.0, keys_));
}

std::int64_t MovePace::bytes() const {
  const std::lock_guard lock(mutex_);
  // What 10 ms carry: a burst of a slow line is a small one.
  return bytes_per_second_ > 0 ? std::clamp(static_cast<std::int64_t>(bytes_per_second_ / 100),
                                            std::int64_t{1},
                                            k_most_bytes)
                               : k_most_bytes;
}

/// Halved when it was too long, grown by a quarter (a key at least, or it never left one) while
/// there is room: as TCP finds its window.
void MovePace::took(std::size_t keys,
                    std::chrono::microseconds lasted,
                    std::chrono::microseconds felt) {
  const std::lock_guard lock(mutex_);
  if (std::max(lasted, felt) > most_) {
    keys_ = std::max(1.0, std::min(keys_, static_cast<double>(keys)) / 2);
  } else if (lasted * 2 < most_ && static_cast<double>(keys) * 1.5 >= keys_) {
    keys_ = std::min(k_most_keys, std::max(keys_ * 1.25, keys_ + 1));
  }
}

MovePace::Time MovePace::next_after(Time now, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes_per_second_ <= 0) {
    return now;
  }
  const std::chrono::duration<double> costs(static_cast<double>(bytes) / bytes_per_second_);
  free_at_ = std::max(free_at_, now) +
             std::chrono::duration_cast<std::chrono::steady_clock::duration>(costs);
  return free_at_;
}

}  // namespace kredis::plugin
