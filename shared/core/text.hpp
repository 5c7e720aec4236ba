// SPDX-License-Identifier: Apache-2.0
//
// Small helpers for texts, in the one place for all layers: split, trim, numbers, quoting what was
// read, and lists and sizes in messages.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::core {

/// Splits at every `separator`; "a,,b" has three parts, "" has one.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Splits at "\n", drops the "\r" before it and nothing else. A last empty line is left out.
std::vector<std::string_view> split_lines(std::string_view text);

/// Returns the words between runs of spaces.
std::vector<std::string_view> split_words(std::string_view text);

/// Cuts spaces, tabs and line ends off both ends.
std::string_view trim(std::string_view text);

/// Lowers A-Z and leaves every other byte alone.
std::string to_lower(std::string_view text);

/// One word of a POSIX shell: in single quotes where it is not plain.
std::string shell_word(std::string_view text);

/// Shows untrusted text in an error: in quotes, printable, cut after 160 bytes.
std::string quoted(std::string_view text);

/// "redis-app-0, redis-app-1 and redis-app-2"; the end of a long list is a number.
std::string list_of(const std::vector<std::string>& names);

/// "1 key", "2 keys".
std::string counted(std::int64_t count, const std::string& word);

/// "1.5 MiB", for messages.
std::string bytes_text(std::int64_t bytes);

bool is_one_of(std::span<const std::string_view> words, std::string_view word);

/// Counts the letters to change, add or leave out to make one of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Finds which of `known` was meant by a mistyped `word`; empty when none is near enough.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// Reads a whole decimal number; nullopt when anything is left over or it does not fit.
template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace kredis::core
