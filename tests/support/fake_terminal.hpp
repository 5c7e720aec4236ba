// SPDX-License-Identifier: Apache-2.0
//
// A terminal of strings: what was printed, what the user will answer, and a Ctrl-C at will.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "plugin/terminal/terminal.hpp"

namespace kredis::tests {

class FakeTerminal : public plugin::Terminal {
 public:
  std::ostream& out() override { return out_; }
  std::ostream& err() override { return err_; }
  bool is_terminal(plugin::Stream stream) const override {
    return stream == plugin::Stream::in && asks;
  }
  void let_colours_pass(plugin::Stream, plugin::Colour) override {}
  std::size_t width(plugin::Stream) const override { return columns; }
  std::optional<std::string> read_line() override {
    if (answers.empty()) {
      return std::nullopt;
    }
    std::string answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  bool interrupted() const override { return ctrl_c; }
  void on_interrupt(std::function<void()> action) override { at_ctrl_c = std::move(action); }

  std::string printed() const { return out_.str(); }
  std::string said() const { return err_.str(); }

  bool asks = true;  ///< Whether somebody sits there who can be asked.
  std::size_t columns = 100;
  std::deque<std::string> answers = {};
  bool ctrl_c = false;
  std::function<void()> at_ctrl_c = {};

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace kredis::tests
