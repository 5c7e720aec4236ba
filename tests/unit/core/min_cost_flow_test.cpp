// SPDX-License-Identifier: Apache-2.0
#include "shared/core/placement/min_cost_flow.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <random>
#include <vector>

namespace kredis::core {
namespace {

using Cost = MinCostFlow::Cost;
constexpr int k_workers = 4;

/// Four workers, four jobs, a price for each pair: small enough to try every assignment.
struct Assignment {
  explicit Assignment(unsigned seed) {
    std::mt19937 random{seed};
    const int source = flow.add_vertex();
    const int sink = flow.add_vertex();
    std::array<int, k_workers> jobs{};
    for (int& job : jobs) {
      job = flow.add_vertex();
      flow.add_arc(job, sink, 1, {});
    }
    for (auto& row : arcs) {
      const int worker = flow.add_vertex();
      flow.add_arc(source, worker, 1, {});
      for (std::size_t job = 0; job < row.size(); ++job) {
        const auto price = static_cast<std::int32_t>(random() % 3);
        const auto detail = static_cast<std::int32_t>(random() % 3);
        prices.push_back({{price, detail, 0, 0, 0, 0}});
        row[job] = flow.add_arc(worker, jobs[job], 1, prices.back());
      }
    }
    sent = flow.solve(source, sink);
  }

  Cost price_of(const std::vector<std::size_t>& job_of) const {
    Cost total;
    for (std::size_t worker = 0; worker < job_of.size(); ++worker) {
      total += prices[worker * k_workers + job_of[worker]];
    }
    return total;
  }

  MinCostFlow flow;
  std::array<std::array<int, k_workers>, k_workers> arcs{};
  std::vector<Cost> prices;
  int sent = 0;
};

std::vector<std::size_t> in_order() {
  std::vector<std::size_t> jobs(k_workers);
  std::iota(jobs.begin(), jobs.end(), std::size_t{0});
  return jobs;
}

/// The first of the cheapest assignments in lexical order.
std::vector<std::size_t> first_of_the_cheapest(const Assignment& problem) {
  std::vector<std::size_t> jobs = in_order();
  std::vector<std::size_t> best = jobs;
  while (std::ranges::next_permutation(jobs).found) {
    if (problem.price_of(jobs) < problem.price_of(best)) {
      best = jobs;
    }
  }
  return best;
}

}  // namespace

TEST_SUITE("core/min_cost_flow") {
  TEST_CASE("solve finds the cheapest flow, an earlier criterion before a later one") {
    for (unsigned seed = 0; seed < 200; ++seed) {
      CAPTURE(seed);
      const Assignment problem(seed);
      CHECK(problem.sent == k_workers);
      CHECK(problem.flow.cost() == problem.price_of(first_of_the_cheapest(problem)));
    }
  }

  TEST_CASE("pin walks to the first of the cheapest flows and never leaves the cheapest") {
    for (unsigned seed = 0; seed < 200; ++seed) {
      CAPTURE(seed);
      Assignment problem(seed);
      const Cost cost = problem.flow.cost();
      std::vector<std::size_t> found;
      for (const auto& row : problem.arcs) {
        const auto job =
            std::ranges::find_if(row, [&](int arc) { return problem.flow.pin({arc}); });
        REQUIRE(job != row.end());
        found.push_back(static_cast<std::size_t>(job - row.begin()));
      }
      CHECK(found == first_of_the_cheapest(problem));
      CHECK(problem.flow.cost() == cost);
    }
  }

  TEST_CASE("pin takes its first arcs back when a later one is refused") {
    MinCostFlow flow;
    const int source = flow.add_vertex();
    const int left = flow.add_vertex();
    const int right = flow.add_vertex();
    const int sink = flow.add_vertex();
    const int to_left = flow.add_arc(source, left, 1, {});
    const int to_right = flow.add_arc(source, right, 1, {});
    const int from_left = flow.add_arc(left, sink, 1, {});
    const int from_right = flow.add_arc(right, sink, 1, {{1, 0, 0, 0, 0, 0}});
    const int across = flow.add_arc(left, right, 1, {});
    CHECK(flow.solve(source, sink) == 2);
    CHECK_FALSE(flow.pin({to_left, across, from_right, from_left}));
    CHECK(flow.pin({to_left, from_left}));
    CHECK(flow.pin({to_right, from_right}));
    CHECK(flow.flow(across) == 0);
  }

  TEST_CASE("solve sends what fits when not everything does") {
    MinCostFlow flow;
    const int source = flow.add_vertex();
    const int sink = flow.add_vertex();
    const int arc = flow.add_arc(source, sink, 3, {{0, 1, 0, 0, 0, 0}});
    CHECK(flow.solve(source, sink) == 3);
    CHECK(flow.flow(arc) == 3);
    CHECK(flow.cost() == Cost{{0, 3, 0, 0, 0, 0}});
  }
}

}  // namespace kredis::core
