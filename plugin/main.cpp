// SPDX-License-Identifier: Apache-2.0
//
// kubectl-redis: parse, run, exit.
#include <iostream>
#include <string>
#include <vector>

#include "plugin/command_line.hpp"
#include "plugin/terminal/interrupt.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  kredis::plugin::watch_for_interrupts(arguments);
  const auto invocation = kredis::plugin::parse_command_line(arguments, std::cout, std::cerr);
  return static_cast<int>(kredis::plugin::run(invocation, std::cout, std::cerr));
}
