// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace kredis::sandbox {

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  add(wake_, EPOLLIN, [this] {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = read(wake_, &count, sizeof count);
  });
}

Loop::~Loop() {
  stop();
  close(wake_);
  close(epoll_);
}

void Loop::start() {
  running_ = true;
  thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
  if (!thread_.joinable()) {
    return;
  }
  post([this] { running_ = false; });
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  run_posted();  // What came after the last look: somebody may wait for it.
}

void Loop::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      posted_.push_back(std::move(task));
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto size = write(wake_, &one, sizeof one);
      return;
    }
  }
  task();
}

Loop::TimerId Loop::after(std::chrono::milliseconds delay, Task task) {
  const TimerId id = next_timer_++;
  const auto due = Clock::now() + delay;
  timers_.emplace(std::pair{due, id}, std::move(task));
  due_.emplace(id, due);
  return id;
}

void Loop::cancel(TimerId timer) {
  const auto found = due_.find(timer);
  if (found == due_.end()) {
    return;
  }
  timers_.erase({found->second, timer});
  due_.erase(found);
}

void Loop::watch(int fd, Task on_ready) { add(fd, EPOLLIN, std::move(on_ready)); }

void Loop::watch_writable(int fd, Task on_ready) { add(fd, EPOLLOUT, std::move(on_ready)); }

void Loop::add(int fd, std::uint32_t events, Task on_ready) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const int how = watched_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  epoll_ctl(epoll_, how, fd, &event);
  watched_[fd] = std::move(on_ready);
}

void Loop::forget(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

void Loop::run() {
  std::array<epoll_event, 64> events{};
  while (running_) {
    const int count =
        epoll_wait(epoll_, events.data(), int{events.size()}, milliseconds_to_next_timer());
    for (int index = 0; index < count; ++index) {
      // A handler may forget any descriptor, its own too: look it up and keep a copy alive.
      const auto found = watched_.find(events.at(static_cast<std::size_t>(index)).data.fd);
      if (found != watched_.end()) {
        const Task handler = found->second;
        handler();
      }
    }
    run_timers();
    run_posted();
  }
}

int Loop::milliseconds_to_next_timer() const {
  if (timers_.empty()) {
    return -1;
  }
  const auto wait = timers_.begin()->first.first - Clock::now();
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(rounded_up, 0, 60'000));
}

void Loop::run_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    due_.erase(node.key().second);
    node.mapped()();
  }
}

void Loop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const Task& task : tasks) {
    task();
  }
}

}  // namespace kredis::sandbox
