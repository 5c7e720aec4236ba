// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_pace.hpp"

#include <doctest/doctest.h>

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

/// Full bursts, each of which took so long for the server and for a client of it.
std::size_t after(MovePace& pace, int bursts, std::chrono::microseconds took) {
  for (int i = 0; i < bursts; ++i) {
    pace.took(pace.keys(), took, took);
  }
  return pace.keys();
}

TEST_SUITE("apply/move_pace") {
  TEST_CASE("bursts grow while there is room, shrink when they take too long, and have a key") {
    MovePace pace({.max_latency = 5ms}, 1);
    const std::size_t first = pace.keys();
    const std::size_t grown = after(pace, 10, 1ms);
    CHECK(grown > first);
    CHECK(after(pace, 3, 4ms) == grown);
    CHECK(after(pace, 1, 6ms) <= grown / 2 + 1);
    CHECK(after(pace, 100, 6ms) == 1);
    CHECK(after(pace, 100, 1ms) == 2000);
  }

  TEST_CASE("what clients wait for anyhow is not counted, up to a bound") {
    MovePace pace({.max_latency = 5ms}, 1);
    pace.usual(20ms);
    const std::size_t first = pace.keys();
    CHECK(after(pace, 1, 24ms) == first);
    CHECK(after(pace, 1, 12ms) > first);
    CHECK(after(pace, 100, 26ms) == 1);
    MovePace stuck({.max_latency = 5ms}, 1);
    stuck.usual(60s);
    CHECK(after(stuck, 100, 51ms) == 1);
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
