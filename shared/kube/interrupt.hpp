// SPDX-License-Identifier: Apache-2.0
//
// A switch that wakes everything that waits on the API server: a file descriptor that is
// readable once the switch was thrown, so that a poll can include it.
#pragma once

#include "shared/core/result.hpp"
#include "shared/system/posix.hpp"

namespace kredis::kube {

class Interrupt {
 public:
  /// Throws the switch.
  /// Threads: any; safe inside a signal handler.
  void raise() noexcept { bell_.ring(); }
  bool raised() const noexcept;
  /// Puts it back. Threads: any, one at a time.
  void lower() noexcept;
  int fd() const noexcept { return bell_.fd(); }

 private:
  ports::Bell bell_;
};

/// What every interrupted call returns.
Error interrupted();

}  // namespace kredis::kube
