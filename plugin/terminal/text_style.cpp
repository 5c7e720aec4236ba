// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/text_style.hpp"

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

}  // namespace kredis::plugin
