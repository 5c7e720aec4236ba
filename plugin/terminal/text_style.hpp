// SPDX-License-Identifier: Apache-2.0
//
// How text looks where it goes: colour or not, how wide. Decided once by the terminal, then an
// argument.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kredis::plugin {

enum class Colour { off, on };

/// Wraps text in ANSI colours, or returns it unchanged when colour is off.
class TextStyle {
 public:
  explicit TextStyle(Colour colour = Colour::off, std::size_t width = 0)
      : colour_(colour), width_(width) {}

  /// Units: terminal columns; 0 where nothing is to be cut.
  std::size_t width() const noexcept { return width_; }
  bool coloured() const noexcept { return colour_ == Colour::on; }

  std::string red(std::string_view text) const { return paint("31", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }
  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;

  Colour colour_;
  std::size_t width_;
};

/// Columns that `text` takes on a terminal: UTF-8 code points, without ANSI colour sequences.
std::size_t display_width(std::string_view text) noexcept;

/// Breaks lines that are longer than `columns` between words. What is left of a line stands under
/// its last column of text. 0 columns break nothing.
std::string wrapped(const std::string& text, std::size_t columns);

/// Fills `text` with spaces up to `columns`.
std::string padded(std::string text, std::size_t columns);

}  // namespace kredis::plugin
