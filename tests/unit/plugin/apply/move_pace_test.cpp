// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_pace.hpp"

#include <doctest/doctest.h>

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

struct Costs {
  std::chrono::microseconds burst = 0us;
  std::chrono::microseconds key = 0us;
  std::chrono::microseconds noise = 0us;  ///< At most, in no order.
};

/// Bursts as large as may be, each seventh one half of that, as slots end.
std::size_t after(MovePace& pace, std::int64_t bursts, const Costs& costs) {
  for (std::int64_t i = 1; i <= bursts; ++i) {
    const std::size_t keys = i % 7 == 0 ? (pace.keys() + 1) / 2 : pace.keys();
    const auto took = costs.burst + costs.key * keys + costs.noise * (i * 7919 % 101) / 100;
    pace.took(keys, took, took);
  }
  return pace.keys();
}

TEST_SUITE("apply/move_pace") {
  TEST_CASE("bursts grow while their keys leave room, and shrink when these take too long") {
    MovePace pace({.max_latency = 5ms}, 1);
    CHECK(after(pace, 200, {.key = 10us}) > 250);
    CHECK(after(pace, 500, {.key = 1ms}) <= 6);
    CHECK(after(pace, 500, {.key = 6ms}) <= 3);
    CHECK(after(pace, 500, {.key = 1us}) == 2000);
  }

  TEST_CASE("what a burst costs whatever its size does not make it smaller") {
    MovePace pace({.max_latency = 5ms}, 1);
    CHECK(after(pace, 300, {.burst = 20ms, .key = 10us}) > 250);
    MovePace noisy({.max_latency = 5ms}, 1);
    CHECK(after(noisy, 300, {.key = 10us, .noise = 20ms}) > 50);
  }

  TEST_CASE("bursts that all take too long, and have a key each, grow again") {
    MovePace pace({.max_latency = 5ms}, 1);
    CHECK(after(pace, 100, {.key = 20ms}) <= 2);
    CHECK(after(pace, 500, {.burst = 20ms}) > 50);
  }

  TEST_CASE("what clients wait for anyhow is not counted, up to a bound") {
    MovePace pace({.max_latency = 5ms}, 1);
    MovePace busy({.max_latency = 5ms}, 1);
    busy.begin(20ms, 1);
    MovePace stuck({.max_latency = 5ms}, 1);
    stuck.begin(60s, 1);
    const Costs costs{.key = 100us};
    CHECK(after(busy, 300, costs) > 2 * after(pace, 300, costs));
    CHECK(after(stuck, 300, costs) <= 500);
    MovePace shared({.max_latency = 5ms}, 1);
    shared.begin(0us, 4);
    CHECK(after(shared, 300, costs) <= 13);
  }

  TEST_CASE("pairs share the bandwidth, and a burst of a slow line is a small one") {
    MovePace pace({.bytes_per_second = 1'000'000}, 2);
    CHECK(pace.bytes() == 5'000);
    const MovePace::Time now{};
    CHECK(pace.next_after(now, 5'000) == now + 10ms);
    CHECK(pace.next_after(now, 5'000) == now + 20ms);
    MovePace open({}, 1);
    CHECK(open.next_after(now, 1 << 20) == now);
  }
}

}  // namespace
}  // namespace kredis::plugin
