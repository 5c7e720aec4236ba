// SPDX-License-Identifier: Apache-2.0
//
// One thread that waits for everything at once: file descriptors, timers, and tasks from other
// threads. All of the node agent's state lives on it, and so needs no locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace kredis::sandbox {

/// Threads: `post` and `call` from any; everything else from the loop's own thread only.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;  ///< 0 is never a timer.

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();
  /// Ends the thread once it has run what is posted already.
  void stop();

  /// Runs `task` on the loop, soon; right here once the loop has stopped.
  void post(Task task);
  /// Runs `work` on the loop and waits for its value. Must not be called on the loop.
  template <typename Work>
  auto call(Work work) -> decltype(work()) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto answer = task.get_future();
    post([&task] { task(); });
    return answer.get();
  }

  TimerId after(std::chrono::milliseconds delay, Task task);
  void cancel(TimerId timer);
  /// Calls `on_ready` whenever `fd` can be read or has hung up. The caller still owns `fd`.
  void watch(int fd, Task on_ready);
  /// The same for one that can be written.
  void watch_writable(int fd, Task on_ready);
  void forget(int fd);

 private:
  void run();
  void add(int fd, std::uint32_t events, Task on_ready);
  void run_posted();
  void run_timers();
  int milliseconds_to_next_timer() const;

  int epoll_ = -1;
  int wake_ = -1;
  std::thread thread_;
  bool running_ = false;
  std::mutex mutex_;
  std::vector<Task> posted_;  // Guarded by mutex_.
  bool stopped_ = false;      // Guarded by mutex_.
  std::map<int, Task> watched_;
  std::map<std::pair<Clock::time_point, TimerId>, Task> timers_;
  std::map<TimerId, Clock::time_point> due_;
  TimerId next_timer_ = 1;
};

}  // namespace kredis::sandbox
