// SPDX-License-Identifier: Apache-2.0
//
// What a client of a node waits for, now: one question after the other on a line of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

/// Asks PING fifty times a second for as long as it lives.
/// Threads: every member may be called from any thread.
class LatencyProbe {
 public:
  explicit LatencyProbe(std::unique_ptr<ports::RedisConnection> line);

  /// Of the last exchange, or of the one that is under way if that takes longer already; without
  /// what an exchange took when nothing else went on, as a tunnel's way is no wait for the node.
  std::chrono::microseconds now() const;
  /// What the first few exchanges took beyond the shortest: what clients of a busy node, or behind
  /// a tunnel, wait for anyhow. Waits until they are over, for so long at the most; zero where they
  /// are not by then.
  std::chrono::microseconds usual(std::chrono::milliseconds most) const;
  /// The longest so far, those first ones left out.
  std::chrono::microseconds worst() const { return std::chrono::microseconds(worst_); }

 private:
  void ask(const std::stop_token& stop);

  std::unique_ptr<ports::RedisConnection> line_;
  std::atomic<std::int64_t> base_ = 0;  ///< The shortest, in microseconds; 0: none yet.
  std::promise<std::chrono::microseconds> first_ = {};
  std::shared_future<std::chrono::microseconds> usual_ = first_.get_future().share();
  std::atomic<std::int64_t> last_ = 0;
  std::atomic<std::int64_t> worst_ = 0;
  std::atomic<std::int64_t> asked_at_ = 0;  ///< On the steady clock; 0 while nothing is under way.
  std::mutex pause_mutex_;
  std::condition_variable_any pause_;  ///< Between two questions; ends with the thread.
  std::jthread thread_;
};

}  // namespace kredis::plugin
