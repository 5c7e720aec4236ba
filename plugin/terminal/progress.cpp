// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/progress.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include <fmt/format.h>

#include "plugin/terminal/clean_stream.hpp"
#include "plugin/terminal/clean_text.hpp"
#include "plugin/terminal/interrupt.hpp"

namespace kredis::plugin {
namespace {

/// Live lines beyond this many are counted instead of drawn: the screen must not scroll.
constexpr std::size_t k_most_live_lines = 12;

/// How often a line is printed of which only the figures change.
constexpr auto k_figures_pace = std::chrono::seconds(5);

std::string without_figures(std::string text) {
  std::erase_if(text, [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == ','; });
  return text;
}

/// Between two characters: half of one is shown as rubbish.
std::string cut(const std::string& text, std::size_t columns) {
  if (display_width(text) <= columns || columns < 2) {
    return text;
  }
  std::size_t end = 0;
  for (std::size_t left = columns - 1; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (begins && left-- == 0) {
      break;
    }
  }
  return text.substr(0, end) + "…";
}

}  // namespace

Progress::Progress(std::ostream& stream, TextStyle style, Live live)
    : stream_(stream), style_(style), live_(live) {}

void Progress::begin(const std::string& title) {
  const std::lock_guard lock(mutex_);
  erase_live();
  print_held_back();
  title_ = one_line(title);
  began_ = std::chrono::steady_clock::now();
  lines_.clear();
  printed_.clear();
  if (live_ == Live::no) {
    stream_ << title_ << "\n" << std::flush;
  }
  draw_live();
}

void Progress::line(const std::string& name, const std::string& news) {
  // Longer ones would make more lines than are erased.
  const std::string key = one_line(name);
  const std::string text = one_line(news);
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(
      lines_.begin(), lines_.end(), [&](const auto& each) { return each.first == key; });
  if (found != lines_.end() && found->second == text) {
    return;
  }
  if (found == lines_.end()) {
    lines_.emplace_back(key, text);
  } else {
    found->second = text;
  }
  if (live_ == Live::no) {
    print_plain(key, text);
    return;
  }
  erase_live();
  draw_live();
}

void Progress::print_plain(const std::string& key, const std::string& text) {
  std::string words = key + "\n" + without_figures(text);
  const std::string whole = "  " + key + "  " + text + "\n";
  const auto now = std::chrono::steady_clock::now();
  const bool is_same = words == printed_;
  if (is_same && now - printed_at_ < k_figures_pace) {
    held_back_ = whole;
    return;
  }
  if (!is_same) {
    print_held_back();
  }
  held_back_.clear();
  stream_ << whole << std::flush;
  printed_ = std::move(words);
  printed_at_ = now;
}

/// What figures came to is not left out.
void Progress::print_held_back() { stream_ << std::exchange(held_back_, {}) << std::flush; }

void Progress::done(const std::string& text) { end_stage(style_.green("✓"), text); }

void Progress::fail() { end_stage(style_.red("✗"), {}); }

void Progress::end_stage(const std::string& mark, const std::string& text) {
  const std::lock_guard lock(mutex_);
  erase_live();
  print_held_back();
  if (title_.empty()) {
    return;
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_);
  stream_ << mark << " " << (text.empty() ? title_ : text)
          << style_.dim(fmt::format("  {:.1f}s", took.count())) << "\n"
          << std::flush;
  title_.clear();
  lines_.clear();
}

void Progress::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  erase_live();
  print_held_back();
  stream_ << text << "\n" << std::flush;
  draw_live();
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  erase_live();
  print_held_back();
  title_.clear();
  lines_.clear();
}

/// Once Ctrl-C has had its say, that is what stands last, and nothing is drawn over it.
void Progress::erase_live() {
  if (interrupted()) {
    drawn_ = 0;
  }
  if (drawn_ > 0) {
    stream_ << Own{fmt::format("\033[{}F\033[J", drawn_)} << std::flush;
    drawn_ = 0;
  }
}

void Progress::draw_live() {
  if (live_ == Live::no || title_.empty() || interrupted()) {
    return;
  }
  stream_ << style_.yellow("…") << " " << cut(title_, style_.width() - 2) << "\n";
  drawn_ = 1;
  std::size_t key_width = 0;
  for (const auto& [key, text] : lines_) {
    key_width = std::max(key_width, display_width(key));
  }
  const std::size_t shown = std::min(lines_.size(), k_most_live_lines);
  for (std::size_t i = lines_.size() - shown; i < lines_.size(); ++i) {
    const auto& [key, text] = lines_[i];
    stream_ << cut("    " + padded(key, key_width) + "  " + text, style_.width()) << "\n";
    ++drawn_;
  }
  if (shown < lines_.size()) {
    stream_ << style_.dim(fmt::format("    and {} more", lines_.size() - shown)) << "\n";
    ++drawn_;
  }
  stream_ << std::flush;
}

}  // namespace kredis::plugin
