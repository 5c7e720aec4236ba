// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/yaml_writer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace kredis::manifest {
namespace {

constexpr std::array<std::string_view, 5> k_first_keys{
    "apiVersion", "kind", "metadata", "name", "spec"};

std::size_t rank(std::string_view key) {
  const auto* const found = std::ranges::find(k_first_keys, key);
  return static_cast<std::size_t>(found - k_first_keys.begin());
}

std::vector<std::string> ordered_keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) {
    keys.push_back(key);
  }
  std::ranges::stable_sort(keys, {}, [](const std::string& key) { return rank(key); });
  return keys;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(
      result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// Words that some reader of YAML 1.1 or 1.2 takes for a truth value or nothing.
bool is_reserved_word(std::string_view text) {
  constexpr std::array<std::string_view, 10> words{
      "true", "false", "yes", "no", "on", "off", "null", "~", "y", "n"};
  return std::ranges::find(words, lower(text)) != words.end();
}

/// Whether a reader could take it for a number, a date or a time: anything that starts like one and
/// has only their characters.
bool looks_like_number(std::string_view text) {
  const char first = text.front();
  const bool starts_so = std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '+' ||
                         first == '-' || first == '.';
  constexpr std::string_view characters = "0123456789abcdefABCDEFxXoO_+-.:eEnNiI";
  return starts_so && text.find_first_not_of(characters) == text.npos;
}

bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved_word(text) || looks_like_number(text)) {
    return false;
  }
  constexpr std::string_view not_first = "-?:,[]{}#&*!|>'\"%@` =<";
  if (not_first.find(text.front()) != not_first.npos || text.back() == ' ' || text.back() == ':') {
    return false;
  }
  const bool is_printable =
      std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return is_printable && text.find(": ") == text.npos && text.find(" #") == text.npos;
}

/// A block cannot hold control characters, nor say how a text that starts with a blank is indented
/// without a hint, nor keep trailing blanks in sight; such text is quoted.
bool fits_block(std::string_view text) {
  if (text.find('\n') == text.npos || text.front() == ' ' || text.front() == '\n') {
    return false;
  }
  return std::ranges::none_of(
      text, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
}

void write_block(std::string_view text, const std::string& indent, std::string& out) {
  const std::size_t last = text.find_last_not_of('\n');
  const std::size_t trailing = text.size() - 1 - last;
  out += trailing == 0 ? " |-\n" : trailing == 1 ? " |\n" : " |+\n";
  if (trailing > 0) {
    text.remove_suffix(1);
  }
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    out += line.empty() ? "" : indent;
    out.append(line).append("\n");
    begin = end + 1;
  }
}

void write_scalar(const Json& value, const std::string& indent, std::string& out) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (fits_block(text)) {
      write_block(text, indent, out);
      return;
    }
    out += is_plain(text) ? " " + text : " " + value.dump();
  } else if (value.is_object() || value.is_array()) {
    out += value.is_object() ? " {}" : " []";
  } else {
    out += " " + value.dump();
  }
  out += '\n';
}

bool is_nested(const Json& value) { return value.is_structured() && !value.empty(); }

void write_value(const Json& value, const std::string& indent, std::string& out);

std::string key_text(const std::string& key) { return is_plain(key) ? key : Json(key).dump(); }

/// `first` is what stands before the first key: the indentation, or a list's dash.
void write_object(const Json& object,
                  const std::string& first,
                  const std::string& indent,
                  std::string& out) {
  std::string lead = first;
  for (const std::string& key : ordered_keys(object)) {
    const Json& value = object[key];
    out += lead + key_text(key) + ":";
    lead = indent;
    if (!is_nested(value)) {
      write_scalar(value, indent + "  ", out);
      continue;
    }
    out += '\n';
    // kubectl puts a list's dashes under its key, not further in.
    write_value(value, value.is_array() ? indent : indent + "  ", out);
  }
}

void write_array(const Json& array, const std::string& indent, std::string& out) {
  for (const Json& element : array) {
    if (element.is_object() && !element.empty()) {
      write_object(element, indent + "- ", indent + "  ", out);
    } else if (is_nested(element)) {
      out += indent + "-\n";
      write_array(element, indent + "  ", out);
    } else {
      out += indent + "-";
      write_scalar(element, indent + "  ", out);
    }
  }
}

void write_value(const Json& value, const std::string& indent, std::string& out) {
  if (value.is_object()) {
    write_object(value, indent, indent, out);
  } else {
    write_array(value, indent, out);
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  if (is_nested(value)) {
    write_value(value, "", out);
  } else {
    write_scalar(value, "  ", out);
    out.erase(0, 1);
  }
  return out;
}

std::string to_yaml(const std::vector<Json>& documents) {
  std::string out;
  for (const Json& document : documents) {
    out += (out.empty() ? "" : "---\n") + to_yaml(document);
  }
  return out;
}

}  // namespace kredis::manifest
