// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/text_style.hpp"

#include <algorithm>

#include "shared/core/text.hpp"

namespace kredis::plugin {

std::string TextStyle::paint(std::string_view code, std::string_view text) const {
  if (colour_ == Colour::off || text.empty()) {
    return std::string(text);
  }
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  bool in_escape = false;
  for (const char c : text) {
    if (in_escape) {
      in_escape = c != 'm';
    } else if (c == '\033') {
      in_escape = true;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++width;
    }
  }
  return width;
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t width = display_width(text);
  if (width < columns) {
    text.append(columns - width, ' ');
  }
  return text;
}

namespace {

/// Where what is left of `line` goes on: under the text behind the last gap that leaves room for
/// it, else under the line's own beginning.
std::size_t hanging_indent(const std::string& line, std::size_t columns) {
  const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", start);
  const std::size_t behind =
      gap == std::string::npos ? start : std::min(line.find_first_not_of(' ', gap), line.size());
  constexpr std::size_t k_least_room = 20;
  return behind + k_least_room < columns ? behind : start;
}

void wrap_line(std::string line, std::size_t columns, std::string& into) {
  const std::size_t indent = hanging_indent(line, columns);
  while (display_width(line) > columns) {
    std::size_t end = line.rfind(' ', columns);
    if (end == std::string::npos || end <= indent) {
      end = line.find(' ', columns);  // One long word stays whole.
    }
    if (end == std::string::npos) {
      break;
    }
    into += line.substr(0, line.find_last_not_of(' ', end) + 1) + "\n";
    line = std::string(indent, ' ') +
           line.substr(std::min(line.find_first_not_of(' ', end), line.size()));
  }
  into += line + "\n";
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t columns) {
  if (columns == 0) {
    return text;
  }
  std::string result;
  for (const std::string_view line : core::split_lines(text)) {
    wrap_line(std::string(line), columns, result);
  }
  return result;
}

}  // namespace kredis::plugin
