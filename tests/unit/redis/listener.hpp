// SPDX-License-Identifier: Apache-2.0
//
// A server that does exactly what a test tells it to, to one connection after another.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace kredis::tests {

class Listener {
 public:
  /// Runs `behaviour` with every accepted descriptor, which is closed afterwards.
  explicit Listener(std::function<void(int)> behaviour);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int port() const { return port_; }
  /// For behaviours that wait: set when the test is over.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  int fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::jthread thread_;
};

}  // namespace kredis::tests
