// SPDX-License-Identifier: Apache-2.0
#include "tests/model/turns.hpp"

#include <ucontext.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace kredis::model {
namespace {

constexpr std::size_t k_stack_bytes = std::size_t{512} << 10;
Turns* g_current = nullptr;

}  // namespace

struct Fiber {
  ucontext_t context = {};
  std::vector<char> stack = {};
  std::function<void()> body = {};
  std::vector<Fiber*> joiners = {};
  std::uint64_t waits = 0;  ///< Counted, so that a time-out knows whether its wait is over.
  bool ready = false;
  bool done = false;
};

Turns::Turns(Choose choose) : choose_(std::move(choose)), home_(std::make_shared<Fiber>()) {}
Turns::~Turns() = default;

Turns* Turns::current() { return g_current; }

void Turns::enter() {
  Turns& turns = *g_current;
  turns.running_->body();
  turns.finish();
}

/// Its stack is left here for the last time.
void Turns::finish() {
  Fiber* fiber = running_;
  fiber->done = true;
  fiber->body = {};
  for (Fiber* joiner : std::exchange(fiber->joiners, {})) {
    wake(joiner);
  }
  running_ = nullptr;
  setcontext(&home_->context);
}

Fiber* Turns::start(std::function<void()> body) {
  if (spare_.empty()) {
    spare_.push_back(std::make_shared<Fiber>());
    spare_.back()->stack.resize(k_stack_bytes);
  }
  fibers_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  Fiber* fiber = fibers_.back().get();
  fiber->done = false;
  fiber->body = std::move(body);
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack.data();
  fiber->context.uc_stack.ss_size = fiber->stack.size();
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, &Turns::enter, 0);
  wake(fiber);
  return fiber;
}

bool Turns::is_fiber(const Fiber* fiber) const {
  return std::ranges::any_of(fibers_, [&](const auto& each) { return each.get() == fiber; });
}

void Turns::join(Fiber* fiber) {
  while (!fiber->done) {
    fiber->joiners.push_back(running_);
    park();
  }
  const auto found =
      std::ranges::find_if(fibers_, [&](const auto& each) { return each.get() == fiber; });
  spare_.push_back(std::move(*found));
  fibers_.erase(found);
}

void Turns::at(Time when, std::function<void()> what) {
  events_.push({.when = std::max(when, now_), .number = number_++, .what = std::move(what)});
}

void Turns::wake(Fiber* fiber) {
  if (!fiber->ready && !fiber->done) {
    fiber->ready = true;
    ready_.push_back(fiber);
  }
}

void Turns::park() {
  Fiber* self = running_;
  running_ = nullptr;
  swapcontext(&self->context, &home_->context);
}

void Turns::yield() {
  wake(running_);
  park();
}

void Turns::switch_to(Fiber* fiber) {
  fiber->ready = false;
  running_ = fiber;
  swapcontext(&home_->context, &fiber->context);
}

void Turns::sleep_until(Time when) {
  Fiber* self = running_;
  bool over = false;
  at(when, [&, self] {
    over = true;
    wake(self);
  });
  while (!over) {
    park();
  }
}

bool Turns::wait_on(const void* place, Time until) {
  Fiber* self = running_;
  const std::uint64_t wait = ++self->waits;
  waiting_[place].push_back(self);
  if (until != Time::max()) {
    at(until, [this, self, wait] {
      if (self->waits == wait) {
        wake(self);
      }
    });
  }
  park();
  ++self->waits;
  auto& all = waiting_[place];
  const auto mine = std::ranges::find(all, self);
  const bool came = mine == all.end();
  if (!came) {
    all.erase(mine);
  }
  if (all.empty()) {
    waiting_.erase(place);
  }
  return came;
}

void Turns::signal(const void* place, bool all) {
  const auto found = waiting_.find(place);
  while (found != waiting_.end() && !found->second.empty()) {
    wake(found->second.front());
    found->second.pop_front();
    if (!all) {
      return;
    }
  }
}

void Turns::run(std::function<void()> body) {
  g_current = this;
  Fiber* first = start(std::move(body));
  while (!first->done) {
    if (!ready_.empty()) {
      const auto next = ready_.begin() + static_cast<std::ptrdiff_t>(choose_(ready_.size()));
      Fiber* fiber = *next;
      ready_.erase(next);
      switch_to(fiber);
    } else if (!events_.empty()) {
      now_ = events_.top().when;
      const std::function<void()> what = events_.top().what;
      events_.pop();
      what();
    } else {
      g_current = nullptr;
      throw std::runtime_error("everybody waits for ever");
    }
  }
  g_current = nullptr;
}

}  // namespace kredis::model
