// SPDX-License-Identifier: Apache-2.0
//
// The C library's calls for threads and time, taken by this program for itself: while a Turns runs
// they are its own; else they go on to the library.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "tests/model/turns.hpp"

namespace {

using kredis::model::Fiber;
using kredis::model::Time;
using kredis::model::Turns;

constexpr long k_second_ns = 1'000'000'000;

/// The library's own function of that name.
template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

Turns* turns() {
  Turns* current = Turns::current();
  return current != nullptr && current->self() != nullptr ? current : nullptr;
}

Time time_of(const timespec& time) { return Time(time.tv_sec * k_second_ns + time.tv_nsec); }

void lock(Turns& own, pthread_mutex_t* mutex) {
  while (pthread_mutex_trylock(mutex) != 0) {
    own.yield();
  }
}

int wait(Turns& own, pthread_cond_t* condition, pthread_mutex_t* mutex, Time until) {
  pthread_mutex_unlock(mutex);
  const bool came = own.wait_on(condition, until);
  lock(own, mutex);
  return came ? 0 : ETIMEDOUT;
}

}  // namespace

extern "C" {

int pthread_create(pthread_t* thread,
                   const pthread_attr_t* attributes,
                   void* (*body)(void*),
                   void* argument) noexcept {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library =
        real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
    return library(thread, attributes, body, argument);
  }
  *thread = reinterpret_cast<pthread_t>(own->start([=] { body(argument); }));
  return 0;
}

int pthread_join(pthread_t thread, void** result) {
  auto* fiber = reinterpret_cast<Fiber*>(thread);
  Turns* own = turns();
  if (own == nullptr || !own->is_fiber(fiber)) {
    static const auto library = real<int(pthread_t, void**)>("pthread_join");
    return library(thread, result);
  }
  own->join(fiber);
  return 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library = real<int(pthread_mutex_t*)>("pthread_mutex_lock");
    return library(mutex);
  }
  lock(*own, mutex);
  return 0;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library = real<int(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
    return library(condition, mutex);
  }
  return wait(*own, condition, mutex, Time::max());
}

int pthread_cond_clockwait(pthread_cond_t* condition,
                           pthread_mutex_t* mutex,
                           clockid_t clock,
                           const timespec* until) {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library =
        real<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
            "pthread_cond_clockwait");
    return library(condition, mutex, clock, until);
  }
  return wait(*own, condition, mutex, time_of(*until));
}

int pthread_cond_timedwait(pthread_cond_t* condition,
                           pthread_mutex_t* mutex,
                           const timespec* until) {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library =
        real<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
    return library(condition, mutex, until);
  }
  return wait(*own, condition, mutex, time_of(*until));
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  if (Turns::current() == nullptr) {
    static const auto library = real<int(pthread_cond_t*)>("pthread_cond_signal");
    return library(condition);
  }
  Turns::current()->signal(condition, false);
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  if (Turns::current() == nullptr) {
    static const auto library = real<int(pthread_cond_t*)>("pthread_cond_broadcast");
    return library(condition);
  }
  Turns::current()->signal(condition, true);
  return 0;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (Turns::current() == nullptr) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  const long now = Turns::current()->now().count();
  *time = {.tv_sec = now / k_second_ns, .tv_nsec = now % k_second_ns};
  return 0;
}

int nanosleep(const timespec* time, timespec* left) {
  Turns* own = turns();
  if (own == nullptr) {
    static const auto library = real<int(const timespec*, timespec*)>("nanosleep");
    return library(time, left);
  }
  own->sleep_until(own->now() + time_of(*time));
  return 0;
}

}  // extern "C"
