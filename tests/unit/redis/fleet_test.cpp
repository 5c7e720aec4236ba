// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "shared/redis/fleet.hpp"

namespace kredis::redis {
namespace {

TEST_SUITE("redis/fleet") {
  TEST_CASE("answers come in the order of the targets, each asked once") {
    std::vector<int> targets(1000);
    std::iota(targets.begin(), targets.end(), 0);
    std::atomic<int> calls{0};
    const std::vector<int> answers = for_each_parallel(targets, [&calls](int& target) {
      ++calls;
      return target * 2;
    });
    CHECK(calls == 1000);
    REQUIRE(answers.size() == 1000);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      REQUIRE(answers[i] == static_cast<int>(i) * 2);
    }
  }

  TEST_CASE("no more threads work than allowed") {
    std::atomic<int> working{0};
    std::atomic<int> most{0};
    run_indexed(
        100,
        [&](std::size_t) {
          const int now = ++working;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          std::this_thread::yield();
          --working;
        },
        3);
    CHECK(most <= 3);
  }

  TEST_CASE("nothing to do is done at once, and an exception comes back after all have run") {
    run_indexed(0, [](std::size_t) { FAIL("called"); });
    std::atomic<int> calls{0};
    CHECK_THROWS_AS(run_indexed(10,
                                [&](std::size_t at) {
                                  ++calls;
                                  if (at == 3) {
                                    throw std::runtime_error("three");
                                  }
                                }),
                    std::runtime_error);
    CHECK(calls == 10);
  }
}

}  // namespace
}  // namespace kredis::redis
