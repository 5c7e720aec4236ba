// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/encoding.hpp"

#include <cstdint>

#include <openssl/evp.h>

#include "shared/core/text.hpp"

namespace kredis::kube {
namespace {

constexpr std::string_view k_base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view k_hex = "0123456789ABCDEF";
constexpr std::string_view k_space = " \t\r\n";

/// Not tolower: it goes by the locale, and names of header fields are ASCII.
char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_unreserved(char letter) {
  const char small = lower(letter);
  return (small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' ||
         letter == '.' || letter == '_' || letter == '~';
}

std::optional<unsigned> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<unsigned>(digit - '0');
  }
  const char small = lower(digit);
  if (small >= 'a' && small <= 'f') {
    return static_cast<unsigned>(small - 'a') + 10U;
  }
  return std::nullopt;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

/// By hand, as OpenSSL's EVP_DecodeBlock knows no line ends in the middle and counts the padding
/// into the result.
std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char letter : text) {
    if (k_space.find(letter) != std::string_view::npos) {
      continue;
    }
    if (letter == '=') {
      ++padding;
      continue;
    }
    const std::size_t value = k_base64.find(letter);
    // Padding ends the text (RFC 4648, section 3.3).
    if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    group = group << 6U | static_cast<std::uint32_t>(value);
    if (++digits % 4 == 0) {
      bytes += {static_cast<char>(group >> 16U & 255U),
                static_cast<char>(group >> 8U & 255U),
                static_cast<char>(group & 255U)};
    }
  }
  const std::size_t rest = digits % 4;
  // A single digit is six bits, which is no byte.
  if (rest == 1 || (digits + padding) % 4 != 0 || padding > 2) {
    return std::nullopt;
  }
  if (rest >= 2) {
    bytes += static_cast<char>(group >> (rest == 2 ? 4U : 10U) & 255U);
  }
  if (rest == 3) {
    bytes += static_cast<char>(group >> 2U & 255U);
  }
  return bytes;
}

/// A space becomes %20, which is right in paths and queries alike; "+" is so in forms only.
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (is_unreserved(letter)) {
      out += letter;
      continue;
    }
    const auto byte = static_cast<unsigned char>(letter);
    out += {'%', k_hex[byte >> 4U], k_hex[byte & 15U]};
  }
  return out;
}

/// "+" stays: it means a space in forms only.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    if (at + 2 >= text.size()) {
      return std::nullopt;
    }
    const auto high = hex_digit(text[at + 1]);
    const auto low = hex_digit(text[at + 2]);
    if (!high || !low) {
      return std::nullopt;
    }
    out += static_cast<char>(*high << 4U | *low);
    at += 2;
  }
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Texts of a server end up on a terminal, where control characters could move the cursor.
std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char letter : core::trim(text).substr(0, limit)) {
    out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? ' ' : letter;
  }
  if (core::trim(text).size() > limit) {
    out += "...";
  }
  return out;
}

}  // namespace kredis::kube
