// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/shell.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace kredis::policy {
namespace {

/// No script that people write comes near; one that is made to fill the memory does.
constexpr std::size_t k_most_parts = 20'000;
/// Of a part with its word, as measured with glibc on 64 bits. Units: bytes.
constexpr std::size_t k_part_bytes = 256;
constexpr std::size_t k_memory_bytes = 8U << 20U;

bool is_shell_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_operator(char c) { return std::string_view(";&|()\n<>").find(c) != std::string_view::npos; }

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Words that lead to commands without being one (POSIX, "Reserved Words").
bool is_reserved(std::string_view word) {
  constexpr std::array<std::string_view, 12> words{
      "if", "then", "elif", "else", "fi", "do", "done", "while", "until", "{", "}", "!"};
  return std::ranges::find(words, word) != words.end();
}

/// What begins a list of words that no command gets.
bool is_list_head(std::string_view word) {
  return word == "for" || word == "case" || word == "select" || word == "esac";
}

/// The whole of a word without quotes and expansions; empty for others.
std::string_view plain(const ShellWord& word) {
  return word.size() == 1 && word[0].kind == ShellPart::Kind::text && !word[0].quoted
             ? std::string_view(word[0].text)
             : std::string_view{};
}

class ShellReader {
 public:
  explicit ShellReader(std::string_view text) : text_(text) {}

  ShellScript read() {
    while (at_ < text_.size() && script_.parts < k_most_parts) {
      step();
    }
    end_command('\0');
    script_.whole = script_.parts < k_most_parts;
    script_.code += text_.substr(at_);
    return std::move(script_);
  }

  /// The text of a here-document, which is cut nowhere. `parts` are counted on.
  ShellWord read_here(std::size_t& parts) {
    script_.parts = parts;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        add(text_[at_++], true);
      } else if (!expansion(true)) {
        add(text_[at_++], true);
      }
    }
    parts = script_.parts;
    return std::move(word_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (is_shell_blank(c)) {
      end_word();
      keep();
    } else if (c == '#' && !in_word_) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (is_operator(c)) {
      operate(c);
    } else if (text_.substr(at_).starts_with("\\\n")) {
      // It joins two lines (POSIX, "Escape Character").
      at_ += 2;
    } else {
      in_word_ = true;
      letter(c);
    }
  }

  void keep() { script_.code += text_[at_++]; }

  void keep_from(std::size_t begin) { script_.code += text_.substr(begin, at_ - begin); }

  void letter(char c) {
    const std::size_t begin = at_;
    if (c == '\\') {
      if (at_ + 1 < text_.size()) {
        add(text_[at_ + 1], true);
      }
      at_ = std::min(at_ + 2, text_.size());
    } else if (c == '\'') {
      single_quoted();
    } else if (c == '"') {
      double_quoted();
    } else if (!expansion(false)) {
      add(text_[at_++], false);
    }
    keep_from(begin);
  }

  void single_quoted() {
    const std::size_t end = std::min(text_.find('\'', at_ + 1), text_.size());
    add_part({.text = std::string(text_.substr(at_ + 1, end - at_ - 1)), .quoted = true});
    at_ = std::min(end + 1, text_.size());
  }

  void double_quoted() {
    add_part({.quoted = true});
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() &&
          std::string_view("\"\\$`\n").find(text_[at_ + 1]) != std::string_view::npos) {
        if (text_[at_ + 1] != '\n') {
          add(text_[at_ + 1], true);
        }
        at_ += 2;
      } else if (!expansion(true)) {
        add(text_[at_++], true);
      }
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void add(char c, bool quoted) {
    if (word_.empty() || word_.back().kind != ShellPart::Kind::text ||
        word_.back().quoted != quoted) {
      add_part({.quoted = quoted});
    }
    word_.back().text += c;
  }

  void add(ShellPart::Kind kind, std::string_view name, bool quoted) {
    add_part({.kind = kind, .text = std::string(name), .quoted = quoted});
  }

  /// Past the limit the word keeps one part that says nothing.
  void add_part(ShellPart part) {
    if (++script_.parts > k_most_parts && !word_.empty()) {
      word_.back() = {.kind = ShellPart::Kind::unknown};
    } else {
      word_.push_back(std::move(part));
    }
  }

  /// Reads what `$` or a backquote begins; false where they stand for themselves.
  bool expansion(bool quoted) {
    using Kind = ShellPart::Kind;
    if (text_[at_] == '`') {
      const std::size_t end = std::min(text_.find('`', at_ + 1), text_.size() - 1);
      add(Kind::unknown, text_.substr(at_, end - at_ + 1), quoted);
      at_ = end + 1;
      return true;
    }
    const char next = text_[at_] == '$' && at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (next == '(' || next == '{') {
      const std::size_t end = closing(at_ + 1, next, next == '(' ? ')' : '}');
      const std::string_view whole = text_.substr(at_, end - at_);
      at_ = end;
      next == '{' ? braced(whole, quoted) : add(Kind::unknown, whole, quoted);
      return true;
    }
    std::size_t end = at_ + 2;
    if (next == '@' || next == '*') {
      add(Kind::arguments, "", quoted);
    } else if (is_name_letter(next)) {
      while (end < text_.size() && (next < '0' || next > '9') && is_name_letter(text_[end])) {
        ++end;
      }
      add(Kind::variable, text_.substr(at_ + 1, end - at_ - 1), quoted);
    } else if (next != '\0' && std::string_view("#?$!-").find(next) != std::string_view::npos) {
      add(Kind::unknown, text_.substr(at_, 2), quoted);
    } else {
      return false;
    }
    at_ = end;
    return true;
  }

  /// ${NAME}, ${NAME:-otherwise} and ${NAME%/*}.
  void braced(std::string_view whole, bool quoted) {
    using Kind = ShellPart::Kind;
    const std::string_view inner =
        whole.substr(2, whole.size() - std::min<std::size_t>(3, whole.size()));
    const auto* const end = std::ranges::find_if_not(inner, &is_name_letter);
    const std::string_view name(inner.begin(), end);
    const std::string_view rest(end, inner.end());
    const bool plain_default = rest.find_first_of("$`'\"\\") == rest.npos &&
                               (rest.starts_with(":-") || rest.starts_with("-"));
    if (inner == "@" || inner == "*") {
      add(Kind::arguments, "", quoted);
    } else if (name.empty() || !(rest.empty() || plain_default || rest == "%/*")) {
      add(Kind::unknown, whole, quoted);
    } else {
      add(rest == "%/*" ? Kind::folder_of : Kind::variable, name, quoted);
      word_.back().otherwise = plain_default ? rest.substr(rest.find('-') + 1) : "";
    }
  }

  /// Past the bracket that closes the one at `begin`; brackets in quotes do not count.
  std::size_t closing(std::size_t begin, char open, char close) const {
    int depth = 0;
    char quote = '\0';
    for (std::size_t i = begin; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '\\' && quote != '\'') {
        ++i;
      } else if (quote != '\0') {
        quote = c == quote ? '\0' : quote;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == open) {
        ++depth;
      } else if (c == close && --depth == 0) {
        return i + 1;
      }
    }
    return text_.size();
  }

  void operate(char c) {
    if (c == '<' || c == '>') {
      redirect(c);
      return;
    }
    end_word();
    const bool twice = at_ + 1 < text_.size() && text_[at_ + 1] == c;
    const bool joins = twice && (c == '|' || c == '&');
    keep();
    if (joins) {
      keep();
    }
    end_command(joins ? c : '\0');
    if (c == '\n') {
      read_bodies();
    }
  }

  void redirect(char c) {
    // Digits right before it name a descriptor: 2> is not where the text goes.
    const bool numbered = in_word_ && !plain(word_).empty() &&
                          plain(word_).find_first_not_of("0123456789") == std::string_view::npos;
    const bool standard = !numbered || plain(word_) == "1" || plain(word_) == "0";
    if (numbered) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    const std::size_t begin = at_;
    at_ += 1;
    const bool twice = at_ < text_.size() && text_[at_] == c;
    at_ += twice ? 1U : 0U;
    const bool tabs = twice && c == '<' && at_ < text_.size() && text_[at_] == '-';
    const bool joined = at_ < text_.size() && (text_[at_] == '&' || text_[at_] == '|');
    at_ += tabs || joined ? 1U : 0U;
    keep_from(begin);
    using Kind = ShellRedirection::Kind;
    const Kind kind =
        c == '<' ? (twice ? Kind::here : Kind::from) : (twice ? Kind::append : Kind::to);
    pending_ = Pending{kind, standard, tabs};
  }

  void end_word() {
    if (!in_word_) {
      return;
    }
    in_word_ = false;
    ShellWord word = std::exchange(word_, {});
    if (pending_) {
      const Pending pending = *std::exchange(pending_, std::nullopt);
      if (pending.kind == ShellRedirection::Kind::here) {
        bodies_.push_back({std::move(word), pending.tabs, script_.commands.size()});
      } else if (pending.standard) {
        command_.redirections.push_back({pending.kind, std::move(word)});
      }
    } else if (!command_.words.empty() || !is_reserved(plain(word))) {
      nest(command_.words.empty() ? plain(word) : std::string_view{});
      command_.words.push_back(std::move(word));
    } else {
      nest(plain(word));
    }
  }

  /// Counts how deep the next command is in what may run or not.
  void nest(std::string_view word) {
    constexpr std::array<std::string_view, 6> opening{
        "if", "while", "until", "for", "case", "select"};
    constexpr std::array<std::string_view, 3> closing{"fi", "done", "esac"};
    if (std::ranges::find(opening, word) != opening.end()) {
      ++nested_;
    } else if (word == "{") {
      braces_.push_back(guarded_);
      nested_ += guarded_ ? 1 : 0;
    } else if (word == "}" && !braces_.empty()) {
      nested_ -= braces_.back() ? 1 : 0;
      braces_.pop_back();
    } else if (nested_ > 0 && std::ranges::find(closing, word) != closing.end()) {
      --nested_;
    }
  }

  /// `joint` is the letter of && or ||, or 0 for what ends it otherwise. What stands behind && runs
  /// only where a test before it is true.
  void end_command(char joint) {
    end_word();
    pending_.reset();
    const bool list = !command_.words.empty() && is_list_head(plain(command_.words.front()));
    const bool waits = !bodies_.empty() && bodies_.back().command == script_.commands.size();
    if (list) {
      command_.words.clear();
    }
    if (command_.words.empty() && command_.redirections.empty() && !waits) {
      return;  // A line break, behind && or || too.
    }
    constexpr std::array<std::string_view, 3> tests{"[", "[[", "test"};
    const bool is_test = !command_.words.empty() &&
                         std::ranges::find(tests, plain(command_.words.front())) != tests.end();
    command_.branch = nested_ > 0 || guarded_;
    guarded_ = joint == '&' && (guarded_ || is_test);
    script_.commands.push_back(std::move(command_));
    command_ = {.fallback = joint == '|'};
  }

  /// The lines up to the word that ends a here-document, for each that the line before has begun.
  void read_bodies() {
    for (const Body& body : std::exchange(bodies_, {})) {
      std::string end;
      bool quoted = false;
      for (const ShellPart& part : body.end) {
        end += part.text;
        quoted = quoted || part.quoted;
      }
      std::string all;
      while (at_ < text_.size()) {
        const std::size_t stop = std::min(text_.find('\n', at_), text_.size());
        std::string_view line = text_.substr(at_, stop - at_);
        at_ = std::min(stop + 1, text_.size());
        while (body.tabs && line.starts_with('\t')) {
          line.remove_prefix(1);
        }
        if (line == end) {
          break;
        }
        all += std::string(line) + "\n";
      }
      script_.code += all;
      ShellWord word = quoted ? ShellWord{{.text = all, .quoted = true}}
                              : ShellReader(all).read_here(script_.parts);
      if (body.command < script_.commands.size()) {
        script_.commands[body.command].redirections.push_back(
            {ShellRedirection::Kind::here, std::move(word)});
      }
    }
  }

  struct Pending {
    ShellRedirection::Kind kind;
    bool standard;
    bool tabs;
  };
  struct Body {
    ShellWord end;
    bool tabs;
    std::size_t command;
  };

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  int nested_ = 0;            // In how many of if, case and loops, and of groups behind a test.
  bool guarded_ = false;      // Behind a test and &&.
  std::vector<bool> braces_;  // Of each group that is open: whether it is behind a test.
  ShellWord word_;
  ShellCommand command_;
  std::optional<Pending> pending_;
  std::vector<Body> bodies_;
  ShellScript script_;
};

}  // namespace

ShellScript parse_shell(std::string_view text) { return ShellReader(text).read(); }

std::shared_ptr<const ShellScript> ShellMemory::read(std::string_view text) {
  if (const auto known = scripts_.find(text); known != scripts_.end()) {
    return known->second;
  }
  auto script = std::make_shared<const ShellScript>(parse_shell(text));
  // Its text twice: as the key, and as code.
  const std::size_t bytes = 2 * text.size() + script->parts * k_part_bytes;
  if (bytes_ + bytes <= k_memory_bytes) {
    bytes_ += bytes;
    scripts_.emplace(text, script);
  }
  return script;
}

}  // namespace kredis::policy
