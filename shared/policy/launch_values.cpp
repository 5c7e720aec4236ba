// SPDX-License-Identifier: Apache-2.0
//
// What the words of a start script come to: variables with known values, and what stays open.
#include <algorithm>
#include <array>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/launch_reader.hpp"

namespace kredis::policy {

bool is_open(std::string_view value) {
  constexpr std::array<std::string_view, 6> marks{"$", "`", "{{", "%%", "<%", "@@"};
  return std::ranges::any_of(marks,
                             [&](std::string_view mark) { return value.find(mark) != value.npos; });
}

/// One that is not known reads as $(NAME) already.
std::string LaunchReader::expanded_references(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    const std::size_t begin = text.find("$(");
    const std::size_t end = begin == text.npos ? begin : text.find(')', begin);
    if (end == text.npos) {
      break;
    }
    const auto value = environment_.find(text.substr(begin + 2, end - begin - 2));
    result += text.substr(0, begin);
    result += value == environment_.end() ? text.substr(begin, end + 1 - begin)
                                          : std::string_view(value->second.text);
    text.remove_prefix(end + 1);
  }
  return result.append(text);
}

LaunchReader::Value LaunchReader::value_of(const ShellPart& part, const Frame& frame) const {
  const std::string& name = part.text;
  if (name == "0") {
    return {frame.zero};
  }
  if (const auto index = core::to_number<std::size_t>(name)) {
    const bool there = *index <= frame.arguments.size();
    return there ? Value{frame.arguments[*index - 1].text, frame.arguments[*index - 1].known}
                 : Value{part.otherwise};
  }
  const auto found = environment_.find(name);
  if (found != environment_.end()) {
    const bool empty = found->second.known && found->second.text.empty();
    return empty && !part.otherwise.empty() ? Value{part.otherwise} : found->second;
  }
  // An image or envFrom may set what nobody here names.
  const bool elsewhere = !items(member(*container_, {"envFrom"})).empty();
  if (!part.otherwise.empty() && !elsewhere) {
    return {part.otherwise};
  }
  return {"$" + name, false};
}

/// One word, or as many as its variables make of it.
std::vector<LaunchWord> LaunchReader::expand(const ShellWord& word, const Frame& frame) {
  std::vector<LaunchWord> words{{.path = frame.path}};
  bool written = false;
  for (const ShellPart& part : word) {
    using Kind = ShellPart::Kind;
    if (part.kind == Kind::arguments) {
      for (std::size_t i = 0; i < frame.arguments.size() && spend(frame.arguments[i].text.size());
           ++i) {
        i == 0 ? void(words.back() = frame.arguments[i]) : words.push_back(frame.arguments[i]);
        written = true;
      }
      continue;
    }
    Value value{part.text, part.kind != Kind::unknown};
    if (part.kind == Kind::variable || part.kind == Kind::folder_of) {
      value = value_of(part, frame);
    }
    if (part.kind == Kind::variable && !spend(value.text.size())) {
      break;
    }
    if (part.kind == Kind::folder_of) {
      value.text = value.text.substr(0, value.text.rfind('/'));
    }
    const bool cut = part.kind == Kind::variable && !part.quoted && value.known;
    const auto pieces = cut ? core::split_words(value.text) : std::vector<std::string_view>{};
    written = written || part.quoted || !value.text.empty();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0) {
        words.push_back({.path = frame.path});
      }
      words.back().text += pieces[i];
    }
    words.back().text += cut ? "" : value.text;
    words.back().known = words.back().known && value.known;
  }
  return written ? words : std::vector<LaunchWord>{};
}

std::string LaunchReader::expand_text(const ShellWord& word, const Frame& frame) {
  std::string all;
  for (const ShellPart& part : word) {
    const bool named =
        part.kind == ShellPart::Kind::variable || part.kind == ShellPart::Kind::folder_of;
    const std::string value = named ? value_of(part, frame).text : part.text;
    if (!spend(value.size())) {
      break;
    }
    all += value;
  }
  return all;
}

}  // namespace kredis::policy
