// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/fleet.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace kredis::redis {

void run_indexed(std::size_t count,
                 const std::function<void(std::size_t)>& work,
                 std::size_t most_threads) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first_failure;
  const auto take_work = [&] {
    for (std::size_t at = next++; at < count; at = next++) {
      try {
        work(at);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        first_failure = first_failure ? first_failure : std::current_exception();
      }
    }
  };
  {
    // The caller is one of the workers, so that one target costs no thread.
    std::vector<std::jthread> helpers;
    const std::size_t threads = std::min(count, std::max<std::size_t>(most_threads, 1));
    for (std::size_t i = 1; i < threads; ++i) {
      helpers.emplace_back(take_work);
    }
    take_work();
  }
  if (first_failure) {
    std::rethrow_exception(first_failure);
  }
}

}  // namespace kredis::redis
