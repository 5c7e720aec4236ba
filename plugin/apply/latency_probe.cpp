// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/latency_probe.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace kredis::plugin {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto k_pace = 20ms;
constexpr std::size_t k_first =
    8;  ///< Exchanges, at once one after the other, that show what is usual.
constexpr auto k_patience = 60s;  ///< A large key holds a node up for long.

std::int64_t micros_now() {
  return std::chrono::duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

LatencyProbe::LatencyProbe(std::unique_ptr<ports::RedisConnection> line)
    : line_(std::move(line)), thread_([this](const std::stop_token& stop) { ask(stop); }) {}

void LatencyProbe::ask(const std::stop_token& stop) {
  std::vector<std::int64_t> first;
  while (!stop.stop_requested()) {
    const std::int64_t began = micros_now();
    asked_at_ = began;
    const auto answer = line_->pipeline({{"PING"}}, steady_clock::now() + k_patience);
    const std::int64_t took = micros_now() - began;
    asked_at_ = 0;
    if (!answer) {
      return;  // What broke it, the move itself will meet and say.
    }
    base_ = base_ == 0 ? took : std::min<std::int64_t>(base_, took);
    if (first.size() < k_first) {
      first.push_back(took);
      if (first.size() == k_first) {
        first_.set_value(microseconds(std::ranges::max(first) - base_));
      }
      continue;
    }
    last_ = took - base_;
    worst_ = std::max<std::int64_t>(worst_, last_);
    std::unique_lock lock(pause_mutex_);
    pause_.wait_for(lock, stop, k_pace, [] { return false; });
  }
}

microseconds LatencyProbe::now() const {
  const std::int64_t since = asked_at_;
  const std::int64_t waits = since == 0 ? 0 : micros_now() - since - base_;
  return microseconds(std::max(last_.load(), waits));
}

microseconds LatencyProbe::usual(std::chrono::milliseconds most) const {
  return usual_.wait_for(most) == std::future_status::ready ? usual_.get() : microseconds(0);
}

}  // namespace kredis::plugin
