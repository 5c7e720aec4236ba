// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/clean_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace kredis::plugin {
namespace {

/// What TextStyle writes.
constexpr std::array<std::string_view, 6> k_colours{
    "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m"};

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

/// Bytes of the character that begins with `first`; 0 for a byte that begins none (RFC 3629).
std::size_t length_of(unsigned char first) {
  if (first < 0x80) {
    return 1;
  }
  return first >= 0xC2 && first <= 0xDF   ? 2
         : first >= 0xE0 && first <= 0xEF ? 3
         : first >= 0xF0 && first <= 0xF4 ? 4
                                          : 0;
}

/// The code point of a character whose bytes are all there; nothing where they are none: not
/// continued, longer than need be, or a surrogate (RFC 3629).
std::uint32_t code_point(std::string_view character) {
  constexpr std::uint32_t k_none = 0x110000;
  constexpr std::array<std::uint32_t, 5> k_least{0, 0, 0x80, 0x800, 0x10000};
  constexpr std::array<unsigned, 5> k_mask{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code = byte_at(character, 0) & k_mask[character.size()];
  for (std::size_t i = 1; i < character.size(); ++i) {
    if ((byte_at(character, i) & 0xC0U) != 0x80U) {
      return k_none;
    }
    code = (code << 6U) | (byte_at(character, i) & 0x3FU);
  }
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < k_least[character.size()] || is_surrogate ? k_none : std::min(code, k_none);
}

/// Control characters of both kinds (C0, DEL, C1), and those that turn the order of what is read
/// around, so that it reads as something else (Unicode TR 36, "Bidirectional Text Spoofing").
bool is_hidden(std::uint32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
  const bool turns = code == 0x061C || code == 0x200E || code == 0x200F ||
                     (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return (is_control && code != '\n' && code != '\t') || turns;
}

/// Bytes of the colour at the beginning of `text`; 0 where there is none. `incomplete`: there may
/// be one when more has come.
std::size_t colour_length(std::string_view text, bool& incomplete) {
  for (const std::string_view colour : k_colours) {
    if (text.starts_with(colour)) {
      return colour.size();
    }
    incomplete = incomplete || colour.starts_with(text);
  }
  return 0;
}

enum class More { may_come, is_none };

/// Takes the first character of `text` to `shown`; returns its bytes, 0 when more have to come.
std::size_t take_one(std::string_view text, Colour colour, More more, std::string& shown) {
  bool incomplete = false;
  if (text.front() == '\033' && colour == Colour::on) {
    if (const std::size_t length = colour_length(text, incomplete); length > 0) {
      shown += text.substr(0, length);
      return length;
    }
  }
  if (text.front() == '\r') {
    // A line of Windows ends so; alone it would write over what is there.
    incomplete = text.size() == 1;
    if (text.starts_with("\r\n")) {
      shown += "\r\n";
      return 2;
    }
  }
  const std::size_t length = length_of(byte_at(text, 0));
  incomplete = incomplete || length > text.size();
  if (incomplete && more == More::may_come) {
    return 0;
  }
  const std::uint32_t code =
      length == 0 || length > text.size() ? 0x110000 : code_point(text.substr(0, length));
  if (code >= 0x110000) {
    shown += fmt::format("\\x{:02x}", byte_at(text, 0));
    return 1;
  }
  shown += is_hidden(code) ? fmt::format("\\u{:04x}", code) : std::string(text.substr(0, length));
  return length;
}

}  // namespace

std::string Cleaner::take(std::string_view text) {
  const std::string joined = held_ + std::string(text);
  std::string shown;
  std::size_t at = 0;
  while (at < joined.size()) {
    const std::size_t taken =
        take_one(std::string_view(joined).substr(at), colour_, More::may_come, shown);
    if (taken == 0) {
      break;
    }
    at += taken;
  }
  held_ = joined.substr(at);
  return shown;
}

std::string Cleaner::end() {
  std::string shown;
  while (!held_.empty()) {
    held_.erase(0, take_one(held_, colour_, More::is_none, shown));
  }
  return shown;
}

std::string one_line(std::string_view text) {
  Cleaner cleaner(Colour::on);
  std::string line = cleaner.take(text);
  line += cleaner.end();
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return line;
}

}  // namespace kredis::plugin
