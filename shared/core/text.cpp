// SPDX-License-Identifier: Apache-2.0
#include "shared/core/text.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace kredis::core {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) {
      return parts;
    }
    begin = end + 1;
  }
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  if (lines.back().empty()) {
    lines.pop_back();
  }
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
  }
  return lines;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view part : split(text, ' ')) {
    if (!part.empty()) {
      words.push_back(part);
    }
  }
  return words;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view k_blank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(k_blank);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(k_blank) - begin + 1);
}

std::string to_lower(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return lower;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view k_plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+";
  if (!text.empty() && text.find_first_not_of(k_plain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return word + "'";
}

std::string quoted(std::string_view text) {
  constexpr std::size_t k_longest = 160;
  std::string shown = "\"";
  for (const char c : text.substr(0, k_longest)) {
    const bool printable = c >= ' ' && c <= '~';
    shown += printable ? c : '?';
  }
  return shown + (text.size() > k_longest ? "...\"" : "\"");
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr std::size_t k_longest = 64;
  if (word.empty() || word.size() > k_longest) {
    return {};
  }
  std::string_view best;
  // Of a short word half may be wrong, of a long one three letters: more is another word.
  std::size_t fewest = std::min<std::size_t>(4, word.size() / 2 + 1);
  for (const std::string_view each : known) {
    const std::size_t longer = std::max(word.size(), each.size());
    const std::size_t shorter = std::min(word.size(), each.size());
    if (longer - shorter >= fewest) {
      continue;
    }
    if (const std::size_t distance = edit_distance(word, each); distance < fewest) {
      fewest = distance;
      best = each;
    }
  }
  return best;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t k_most = 6;
  std::string text;
  const std::size_t shown = std::min(names.size(), k_most);
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + names[i];
  }
  return shown == names.size() ? text
                               : text + " and " + std::to_string(names.size() - shown) + " more";
}

bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::string counted(std::int64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<const char*, 4> k_units{"KiB", "MiB", "GiB", "TiB"};
  constexpr std::int64_t k_step = 1024;
  if (bytes < k_step) {
    return std::to_string(bytes) + " bytes";
  }
  std::size_t unit = 0;
  std::int64_t scale = k_step;
  while (unit + 1 < k_units.size() && bytes / scale >= k_step) {
    scale *= k_step;
    ++unit;
  }
  const std::int64_t whole = bytes / scale;
  const std::int64_t tenth = (bytes % scale) / (scale / 10);
  const std::string fraction =
      tenth == 0 || whole >= 100 ? "" : "." + std::to_string(std::min(tenth, std::int64_t{9}));
  return std::to_string(whole) + fraction + " " + k_units[unit];
}

}  // namespace kredis::core
