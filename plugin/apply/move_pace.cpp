// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_pace.hpp"

#include <algorithm>
#include <initializer_list>

namespace kredis::plugin {
namespace {

constexpr double k_first_keys = 50;
constexpr double k_most_keys = 2000;
/// However busy a node is, a burst takes no longer than so many times the bound beyond it.
constexpr int k_most_usual = 9;
/// So many times the bound count as the keys', whatever was seen before.
constexpr double k_far_too_long = 20;
/// What one key is taken to be at most where sizes are known; a larger one is alone in its burst.
constexpr std::int64_t k_most_bytes = std::int64_t{4} << 20;

/// What is left of a burst's weight after the next one: some twenty-five count.
constexpr double k_fading = 0.96;
/// Sizes that differ by less than this part of them tell nothing of what a key costs.
constexpr double k_same_size = 0.1;
/// After so many of one size another one is worth a try.
constexpr double k_known = 12;

}  // namespace

void BurstCost::add(double keys, double took) {
  for (double* sum : {&weight_, &keys_, &took_, &keys_squared_, &keys_took_}) {
    *sum *= k_fading;
  }
  weight_ += 1;
  keys_ += keys;
  took_ += took;
  keys_squared_ += keys * keys;
  keys_took_ += keys * took;
}

double BurstCost::per_key() const {
  const double mean = keys_ / weight_;
  const double spread = keys_squared_ / weight_ - mean * mean;
  if (spread < mean * mean * k_same_size * k_same_size) {
    return weight_ > k_known ? 0 : took_ / keys_;
  }
  return std::max(0.0, (keys_took_ / weight_ - mean * took_ / weight_) / spread);
}

MovePace::MovePace(const MoveLimits& limits, std::size_t pairs)
    : most_(limits.max_latency),
      bytes_per_second_(limits.bytes_per_second
                            ? static_cast<double>(*limits.bytes_per_second) /
                                  static_cast<double>(std::max<std::size_t>(1, pairs))
                            : 0),
      keys_(k_first_keys) {}

void MovePace::begin(std::chrono::microseconds usual, std::size_t lines) {
  const std::lock_guard lock(mutex_);
  most_ += std::min(usual, most_ * k_most_usual);
  lines_ = static_cast<double>(std::max<std::size_t>(1, lines));
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

/// No more than half of it or a quarter more at once; who was given fewer keys than it might have
/// shows nothing of larger bursts.
void MovePace::took(std::size_t keys,
                    std::chrono::microseconds lasted,
                    std::chrono::microseconds felt) {
  const std::lock_guard lock(mutex_);
  const auto burst = static_cast<double>(keys);
  const auto most = static_cast<double>(most_.count());
  const auto took = static_cast<double>(std::max(lasted, felt).count());
  const double far_too_long = most * k_far_too_long;
  cost_.add(burst, std::min(took, far_too_long));
  const double all_keys = took > far_too_long ? took : cost_.per_key() * keys_;
  const double fitting = all_keys > 0 ? keys_ * most / lines_ / all_keys : k_most_keys;
  if (fitting < keys_) {
    keys_ = std::max({1.0, keys_ / 2, fitting});
  } else if (fitting > keys_ * 1.25 && burst * 1.5 >= keys_) {
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
