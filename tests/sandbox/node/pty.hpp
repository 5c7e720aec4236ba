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

  /// Errors: internal.
  static Result<Pty> open();
};

/// Units: characters.
void resize_terminal(int master, unsigned columns, unsigned rows);

}  // namespace kredis::sandbox
