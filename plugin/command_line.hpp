// SPDX-License-Identifier: Apache-2.0
//
// The command line: global flags, the list of verbs, help text. Parsing only remembers what to do.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "plugin/commands/verb.hpp"
#include "plugin/terminal/session.hpp"

namespace kredis::plugin {

/// What the command line asked for.
struct Invocation {
  GlobalOptions options = {};
  Operation operation = {};  ///< Empty when there is nothing to run: help was printed, or an error.
  ExitStatus exit = ExitStatus::done;
};

/// Reads the arguments (without the program's name). Help goes to `out`, mistakes to `err`.
Invocation parse_command_line(const std::vector<std::string>& arguments,
                              std::ostream& out,
                              std::ostream& err);

/// Everything that can be typed.
VerbInfo describe_command_line();

/// Runs what was asked for, prints an error if there is one, and gives the exit status.
ExitStatus run(const Invocation& invocation, std::ostream& out, std::ostream& err);
/// The same in the world that `means` lead to. Requires: a terminal.
ExitStatus run(const Invocation& invocation, Means means);

}  // namespace kredis::plugin
