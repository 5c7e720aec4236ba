// SPDX-License-Identifier: Apache-2.0
//
// How much of a move is asked of a server at once: what its clients wait for meanwhile is bounded,
// and so is what goes over the network. Pure: it is told what a burst took, and answers how large
// the next may be.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace kredis::plugin {

/// What a move may cost the clients of the cluster.
struct MoveLimits {
  std::chrono::microseconds max_latency = std::chrono::milliseconds(5);  ///< Of one exchange.
  std::optional<std::int64_t> bytes_per_second = {};                     ///< Of all pairs together.
};

/// What bursts took, as a line through the last few dozen: what each cost whatever its size, which
/// no smaller burst would save, and what a key costs beside that. Older ones fade.
class BurstCost {
 public:
  void add(double keys, double took);
  /// Of one key, in the unit of `took`; at least zero. Where bursts were all of one size it is all
  /// of what they took at first, and nothing when they have been for long.
  double per_key() const;

 private:
  double weight_ = 0;
  double keys_ = 0;
  double took_ = 0;
  double keys_squared_ = 0;
  double keys_took_ = 0;
};

/// One for each pair of nodes; its workers share it.
/// Threads: every member may be called from any thread.
class MovePace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `pairs` share the bandwidth.
  MovePace(const MoveLimits& limits, std::size_t pairs);

  /// Clients wait for as long as this anyhow, so the bound is counted from there; and so many lines
  /// have bursts at the same server at once, which a client waits for together.
  void begin(std::chrono::microseconds usual, std::size_t lines);
  /// How many keys, and bytes of keys, the next burst may have: at least one key, whatever its
  /// size.
  std::size_t keys() const;
  std::int64_t bytes() const;
  /// A burst of `keys` took `lasted`; `felt` is what a client waited meanwhile, as far as was seen.
  void took(std::size_t keys, std::chrono::microseconds lasted, std::chrono::microseconds felt);
  /// When the next burst may begin, after one of `bytes` that begins now.
  Time next_after(Time now, std::int64_t bytes);

 private:
  mutable std::mutex mutex_;
  std::chrono::microseconds most_;  ///< What a client may wait.
  double lines_ = 1;
  double bytes_per_second_ = 0;  ///< 0 without a limit.
  double keys_;
  BurstCost cost_ = {};  ///< In microseconds.
  Time free_at_ = {};
};

}  // namespace kredis::plugin
