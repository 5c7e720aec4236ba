// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "plugin/terminal/clean_stream.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

int descriptor_of(Stream stream) {
  switch (stream) {
    case Stream::in:
      return STDIN_FILENO;
    case Stream::out:
      return STDOUT_FILENO;
    case Stream::err:
      break;
  }
  return STDERR_FILENO;
}

class SystemTerminal : public Terminal {
 public:
  SystemTerminal(std::ostream& out, std::ostream& err)
      : clean_out_(*out.rdbuf()), clean_err_(*err.rdbuf()), out_(&clean_out_), err_(&clean_err_) {}

  std::ostream& out() override { return out_; }
  std::ostream& err() override { return err_; }
  void let_colours_pass(Stream stream, Colour colour) override {
    (stream == Stream::out ? clean_out_ : clean_err_).set_colour(colour);
  }
  bool is_terminal(Stream stream) const override { return ::isatty(descriptor_of(stream)) == 1; }
  std::size_t width(Stream stream) const override {
    winsize size{};
    const bool known = is_terminal(stream) &&
                       ::ioctl(descriptor_of(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const char* columns = std::getenv("COLUMNS");
    const auto said = core::to_number<std::size_t>(columns == nullptr ? "" : columns);
    return said.value_or(known ? size.ws_col : 0);
  }
  std::optional<std::string> read_line() override {
    std::string line;
    return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
  }
  bool interrupted() const override { return plugin::interrupted(); }
  void on_interrupt(std::function<void()> action) override {
    plugin::on_interrupt(std::move(action));
  }

 private:
  CleanBuffer clean_out_;
  CleanBuffer clean_err_;
  std::ostream out_;
  std::ostream err_;
};

}  // namespace

std::unique_ptr<Terminal> system_terminal(std::ostream& out, std::ostream& err) {
  return std::make_unique<SystemTerminal>(out, err);
}

}  // namespace kredis::plugin
