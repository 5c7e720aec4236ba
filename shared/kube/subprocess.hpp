// SPDX-License-Identifier: Apache-2.0
//
// Runs one program without a shell and collects what it prints, within bounds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/kube/connection.hpp"

namespace kredis::kube {

struct Command {
  std::string program;  ///< A file name if it has a slash, else looked up in PATH.
  std::vector<std::string> arguments = {};
  /// Added to, or replacing, what this process has.
  std::vector<std::pair<std::string, std::string>> environment = {};
  bool shares_terminal = false;  ///< Standard input is ours; else it is empty.
  std::size_t output_limit_bytes = 1U << 20U;
};

struct Completed {
  int exit_status = 0;  ///< 128 + number for a signal, as shells count.
  std::string output;   ///< Standard output; standard error goes where ours goes.
};

/// Errors: not_found (no such program), invalid_argument (cannot be run, printed too much),
/// timeout.
Result<Completed> run_command(const Command& command,
                              Deadline deadline,
                              const Interrupt& interrupt);

}  // namespace kredis::kube
