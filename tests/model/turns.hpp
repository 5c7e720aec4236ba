// SPDX-License-Identifier: Apache-2.0
//
// Threads that take turns. What a program does with std::thread, mutexes, condition variables,
// sleeps and clocks happens on one thread of the machine, in an order and at times that the model
// decides alone; so a run with threads is the same each time. turns_calls.cpp takes the C library's
// calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

namespace kredis::model {

using Time = std::chrono::nanoseconds;  ///< Since the model began.

/// What would be a thread. Internal to Turns but for its address.
struct Fiber;

class Turns {
 public:
  /// Chooses whose turn is next, of so many: from 0 on.
  using Choose = std::function<std::size_t(std::size_t count)>;
  explicit Turns(Choose choose);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Runs `body` with all threads that it starts, and what was to happen meanwhile. Throws
  /// std::runtime_error where everybody waits for ever.
  void run(std::function<void()> body);
  /// The one whose program runs now; null where none does.
  static Turns* current();

  Time now() const { return now_; }
  void at(Time when, std::function<void()> what);
  /// Of the fiber that asks: waits until `wake`, which may come before.
  void park();
  void wake(Fiber* fiber);
  Fiber* self() const { return running_; }
  void sleep_until(Time when);
  /// Lets somebody else have a turn.
  void yield();

  Fiber* start(std::function<void()> body);
  void join(Fiber* fiber);
  bool is_fiber(const Fiber* fiber) const;
  /// Waits for `signal` on the same place, at most until `until`; whether it came.
  bool wait_on(const void* place, Time until);
  void signal(const void* place, bool all);

 private:
  struct Event {
    Time when;
    std::uint64_t number;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  void switch_to(Fiber* fiber);
  static void enter();
  void finish();

  Choose choose_;
  Time now_ = Time(0);
  std::uint64_t number_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_ = {};
  std::vector<Fiber*> ready_ = {};
  std::list<std::shared_ptr<Fiber>> fibers_ = {};
  std::map<const void*, std::deque<Fiber*>> waiting_ = {};
  std::vector<std::shared_ptr<Fiber>> spare_ = {};  ///< Their stacks are used again.
  Fiber* running_ = nullptr;
  std::shared_ptr<Fiber> home_;
};

}  // namespace kredis::model
