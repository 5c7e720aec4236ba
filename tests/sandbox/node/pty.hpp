// SPDX-License-Identifier: Apache-2.0
//
// Pseudo terminals, for `kubectl exec -t` and containers with `tty: true`.
#pragma once

#include <string>

#include "shared/core/result.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

struct Pty {
  Fd master;
  std::string path;  ///< The side that programs use.

  /// Opens one of the system whose root is `root`: a container's has a name inside it, too.
  /// Errors: internal.
  static Result<Pty> open(const std::string& root = {});
};

/// Units: characters.
void resize_terminal(int master, unsigned columns, unsigned rows);

}  // namespace kredis::sandbox
