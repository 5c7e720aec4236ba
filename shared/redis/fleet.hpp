// SPDX-License-Identifier: Apache-2.0
//
// The same work for many nodes at once, on a bounded number of threads, with results in the order
// of the targets. Deadlines belong to the work: give every call the same one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kredis::redis {

/// Enough for a cluster of 60 nodes to be asked in one breath.
inline constexpr std::size_t k_most_threads = 64;

/// Calls `work(0)` to `work(count - 1)`, each once, on at most `most_threads` threads; returns when
/// all are done. The first exception, if any, is thrown again here.
void run_indexed(std::size_t count,
                 const std::function<void(std::size_t)>& work,
                 std::size_t most_threads = k_most_threads);

/// Returns `work(target)` for every target, in the targets' order.
template <typename Target, typename Work>
auto for_each_parallel(std::vector<Target>& targets,
                       Work&& work,
                       std::size_t most_threads = k_most_threads) {
  using Answer = std::invoke_result_t<Work&, Target&>;
  std::vector<std::optional<Answer>> answers(targets.size());
  run_indexed(
      targets.size(),
      [&](std::size_t at) { answers[at].emplace(work(targets[at])); },
      most_threads);
  std::vector<Answer> all;
  all.reserve(answers.size());
  for (std::optional<Answer>& answer : answers) {
    all.push_back(std::move(*answer));
  }
  return all;
}

}  // namespace kredis::redis
