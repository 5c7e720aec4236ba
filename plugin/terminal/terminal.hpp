// SPDX-License-Identifier: Apache-2.0
//
// The terminal that a program runs in: its streams, its width, its user's answers and Ctrl-C. Tests
// hand in their own.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "plugin/terminal/text_style.hpp"

namespace kredis::plugin {

enum class Stream { in, out, err };

class Terminal {
 public:
  virtual ~Terminal() = default;
  virtual std::ostream& out() = 0;
  virtual std::ostream& err() = 0;
  /// Whether TextStyle's colours pass on that stream; until it is said, they do not.
  virtual void let_colours_pass(Stream stream, Colour colour) = 0;
  /// Whether a person is at the other end.
  virtual bool is_terminal(Stream stream) const = 0;
  /// Units: columns. As COLUMNS has it, or the terminal; 0 where neither says, as for a pipe.
  virtual std::size_t width(Stream stream) const = 0;
  /// One line of the user; nullopt at the end of input.
  virtual std::optional<std::string> read_line() = 0;
  /// Whether Ctrl-C came.
  virtual bool interrupted() const = 0;
  /// Sets what happens at once on Ctrl-C; an empty function takes it back.
  virtual void on_interrupt(std::function<void()> action) = 0;
};

/// The process's own terminal, with other streams to write to; what it writes there is clean
/// (clean_stream.hpp).
std::unique_ptr<Terminal> system_terminal(std::ostream& out, std::ostream& err);

}  // namespace kredis::plugin
