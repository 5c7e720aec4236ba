// SPDX-License-Identifier: Apache-2.0
//
// A one-way switch that wakes everything that waits on the API server: a file descriptor that is
// readable once the switch was thrown, so that a poll can include it.
#pragma once

#include "shared/core/result.hpp"

namespace kredis::kube {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Throws the switch, for good.
  /// Threads: any; safe inside a signal handler.
  void raise() noexcept;
  bool raised() const noexcept;
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// What every interrupted call returns.
Error interrupted();

}  // namespace kredis::kube
