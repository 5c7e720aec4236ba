// SPDX-License-Identifier: Apache-2.0
//
// Runs a program to its end and returns what it printed: for tests that look from outside.
#pragma once

#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

inline std::string run_tool(const std::vector<std::string>& arguments) {
  auto pipe = Pipe::make();
  auto child = spawn({.arguments = arguments,
                      .environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}},
                      .output = pipe->write.get()});
  if (!child) {
    return child.error().message;
  }
  pipe->write.reset();
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(pipe->read.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  exit_code_of(*child);
  return text;
}

}  // namespace kredis::sandbox
