// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/redis_conf.hpp"

#include <algorithm>
#include <optional>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

constexpr std::string_view k_hex_digits = "0123456789abcdef";

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::optional<unsigned> hex_value(char c) {
  const std::string lower = core::to_lower(std::string_view{&c, 1});
  const std::size_t digit = k_hex_digits.find(lower.front());
  return digit == std::string_view::npos ? std::nullopt
                                         : std::optional{static_cast<unsigned>(digit)};
}

char control_character(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return letter;
  }
}

/// Reads one line's words with the quoting rules of Redis (sdssplitargs).
class WordReader {
 public:
  explicit WordReader(std::string_view line) : line_(line) {}

  /// Nothing when quotes do not balance.
  std::optional<std::vector<std::string>> read_all() {
    std::vector<std::string> words;
    while (true) {
      while (at_ < line_.size() && is_blank(line_[at_])) {
        ++at_;
      }
      if (at_ == line_.size()) {
        return words;
      }
      if (!read_word()) {
        return std::nullopt;
      }
      words.push_back(word_);
    }
  }

 private:
  bool read_word() {
    word_.clear();
    while (at_ < line_.size() && !is_blank(line_[at_])) {
      const char c = line_[at_++];
      if (c == '"' || c == '\'') {
        return read_quoted(c);
      }
      word_ += c;
    }
    return true;
  }

  /// A closing quote must end the word.
  bool read_quoted(char quote) {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == quote) {
        return at_ == line_.size() || is_blank(line_[at_]);
      }
      if (c == '\\' && at_ < line_.size()) {
        read_escape(quote);
      } else {
        word_ += c;
      }
    }
    return false;
  }

  void read_escape(char quote) {
    if (quote == '\'') {
      // Only \' is an escape here; any other backslash stands for itself.
      word_ += line_[at_] == '\'' ? line_[at_++] : '\\';
      return;
    }
    if (line_[at_] == 'x' && at_ + 2 < line_.size()) {
      const auto high = hex_value(line_[at_ + 1]);
      const auto low = hex_value(line_[at_ + 2]);
      if (high && low) {
        word_ += static_cast<char>(*high * 16 + *low);
        at_ += 3;
        return;
      }
    }
    word_ += control_character(line_[at_++]);
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string word_;
};

bool is_binary(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
  });
}

std::string rendered_word(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\' && c != '#';
  });
  if (plain) {
    return word;
  }
  std::string text = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < ' ' || byte == 0x7F) {
      text += "\\x";
      text += k_hex_digits[byte / 16];
      text += k_hex_digits[byte % 16];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace

Result<RedisConf> parse_redis_conf(std::string_view text) {
  if (text.size() > k_config_limit_bytes) {
    return Error::invalid_argument("the configuration has " + std::to_string(text.size()) +
                                   " bytes, more than 1 MiB")
        .with_hint("give a redis.conf without its comments");
  }
  if (is_binary(text)) {
    return Error::invalid_argument("the configuration is a binary file")
        .with_hint("give a redis.conf, which is text");
  }
  RedisConf config;
  int number = 0;
  for (const std::string_view raw : core::split_lines(text)) {
    ++number;
    const std::string_view line = core::trim(raw);
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    auto words = WordReader{line}.read_all();
    if (!words) {
      return Error::invalid_argument("line " + std::to_string(number) + ": unbalanced quotes in " +
                                     core::quoted(line))
          .with_hint("close the quotes; a space must follow a closing one");
    }
    RedisDirective directive{.name = core::to_lower(words->front()), .line = number};
    directive.arguments.assign(words->begin() + 1, words->end());
    config.directives.push_back(std::move(directive));
  }
  return config;
}

Result<RedisDirective> parse_setting(std::string_view key, std::string_view value) {
  const std::string where = "--set " + std::string{key};
  const bool one_word =
      !key.empty() && key.front() != '#' && key.find_first_of(" \t\"'") == std::string_view::npos;
  if (!one_word || is_binary(key)) {
    return Error::invalid_argument("--set has no redis.conf key in " + core::quoted(key))
        .with_hint("write --set KEY=VALUE, for example --set maxmemory-policy=allkeys-lru");
  }
  const std::string line = std::string{key} + " " + std::string{value};
  if (is_binary(line) || line.find_first_of("\r\n") != std::string::npos) {
    return Error::invalid_argument(where +
                                   ": the value holds a line end or another control character")
        .with_hint("give several settings as several --set");
  }
  auto words = WordReader{line}.read_all();
  if (!words) {
    return Error::invalid_argument(where + ": unbalanced quotes in " + core::quoted(value))
        .with_hint("close the quotes, and quote them from the shell too");
  }
  RedisDirective directive{.name = core::to_lower(words->front())};
  directive.arguments.assign(words->begin() + 1, words->end());
  return directive;
}

std::string render_redis_conf(const RedisConf& config) {
  std::string text;
  for (const RedisDirective& directive : config.directives) {
    text += rendered_word(directive.name);
    for (const std::string& argument : directive.arguments) {
      text += " " + rendered_word(argument);
    }
    text += "\n";
  }
  return text;
}

}  // namespace kredis::wire
