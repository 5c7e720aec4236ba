// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/lint/yaml_edit.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/core/text.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

using kube::YamlDocument;

/// Both count from 0.
struct Spot {
  std::size_t line = 0;
  std::size_t column = 0;
};

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == line.npos; }

bool is_dash(std::string_view line, std::size_t at) {
  return at < line.size() && line[at] == '-' && (at + 1 == line.size() || line[at + 1] == ' ');
}

bool ends_document(std::string_view line) {
  return line.starts_with("---") || line.starts_with("...");
}

std::string unescaped(std::string key) {
  for (std::size_t at = key.find('~'); at != std::string::npos && at + 1 < key.size();
       at = key.find('~', at + 1)) {
    key.replace(at, 2, key[at + 1] == '1' ? "/" : "~");
  }
  return key;
}

/// One document's lines, and where its values stand in them.
class Editor {
 public:
  Editor(const std::string& text, const YamlDocument& document)
      : document_(document), windows_(text.find("\r\n") != std::string::npos) {
    for (const std::string_view line : core::split(text, '\n')) {
      lines_.emplace_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
    }
  }

  bool add(const std::string& pointer, const Json& value);
  std::string text() const;

 private:
  std::optional<Spot> spot(const std::string& pointer) const;
  std::optional<Spot> value_spot(const std::string& pointer) const;
  std::optional<Spot> first_child(const std::string& pointer, const Json& parent) const;
  bool add_to_map(const std::string& pointer,
                  const Json& parent,
                  const std::string& key,
                  const Json& value);
  bool add_to_list(const std::string& pointer, const Json& parent, const Json& value);
  bool add_to_flow(Spot open, const std::string& addition);
  bool replace_null(Spot key, const Json& entry);
  void insert_block(std::size_t after, std::size_t indent, const Json& value);
  std::vector<std::string> block(std::size_t indent, const Json& value) const;
  std::size_t last_line(Spot first, bool of_list) const;

  const YamlDocument& document_;
  std::vector<std::string> lines_;
  bool windows_;
};

std::optional<Spot> Editor::spot(const std::string& pointer) const {
  const auto found = document_.places.find(pointer);
  if (found == document_.places.end()) {
    return std::nullopt;
  }
  const Spot spot{static_cast<std::size_t>(found->second.line - 1),
                  static_cast<std::size_t>(found->second.column - 1)};
  const bool inside = spot.line < lines_.size() && spot.column < lines_[spot.line].size();
  return inside ? std::optional(spot) : std::nullopt;
}

/// Where a value begins on its key's line; the places of a map's members are those of their keys.
std::optional<Spot> Editor::value_spot(const std::string& pointer) const {
  const auto key = spot(pointer);
  const std::string parent = pointer.substr(0, std::min(pointer.rfind('/'), pointer.size()));
  if (!key || pointer.empty() || document_.value.at(Json::json_pointer(parent)).is_array()) {
    return key;
  }
  const std::string& line = lines_[key->line];
  std::size_t at = key->column;
  if (line[at] == '"' || line[at] == '\'') {
    at = std::min(line.find(line[at], at + 1), line.size());
  }
  at = line.find(':', at);
  at = at == std::string::npos ? at : line.find_first_not_of(' ', at + 1);
  return at == std::string::npos ? std::nullopt : std::optional(Spot{key->line, at});
}

std::optional<Spot> Editor::first_child(const std::string& pointer, const Json& parent) const {
  std::optional<Spot> first;
  for (const auto& [key, value] : parent.items()) {
    const auto each = spot((Json::json_pointer(pointer) / key).to_string());
    if (!each) {
      return std::nullopt;
    }
    if (!first || std::pair(each->line, each->column) < std::pair(first->line, first->column)) {
      first = each;
    }
  }
  return first;
}

/// The last line of the block whose first member is at `first`: a map's key or a list's dash.
std::size_t Editor::last_line(Spot first, bool of_list) const {
  std::size_t last = first.line;
  for (std::size_t i = first.line + 1; i < lines_.size(); ++i) {
    const std::string& line = lines_[i];
    const std::size_t indent = indent_of(line);
    if (is_blank(line) || (line[indent] == '#' && indent < first.column)) {
      continue;
    }
    const bool other =
        of_list && indent == first.column && line[indent] != '#' && !is_dash(line, indent);
    if (indent < first.column || other || ends_document(line)) {
      break;
    }
    last = i;
  }
  return last;
}

std::vector<std::string> Editor::block(std::size_t indent, const Json& value) const {
  std::vector<std::string> lines;
  const std::string text = manifest::to_yaml(value);
  for (const std::string_view line :
       core::split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    lines.push_back(line.empty() ? std::string{} : std::string(indent, ' ') + std::string(line));
  }
  return lines;
}

void Editor::insert_block(std::size_t after, std::size_t indent, const Json& value) {
  const auto lines = block(indent, value);
  lines_.insert(
      lines_.begin() + static_cast<std::ptrdiff_t>(after) + 1, lines.begin(), lines.end());
}

bool Editor::add_to_flow(Spot open, const std::string& addition) {
  int depth = 0;
  char quote = 0;
  bool empty = true;
  Spot last = open;  // The last letter before the bracket that closes.
  for (std::size_t row = open.line; row < lines_.size(); ++row) {
    for (std::size_t at = row == open.line ? open.column : 0; at < lines_[row].size(); ++at) {
      const char c = lines_[row][at];
      const bool closes = quote == 0 && (c == '}' || c == ']');
      if (closes && --depth == 0) {
        const bool comma = empty || lines_[last.line][last.column] == ',';
        lines_[last.line].insert(last.column + 1, (empty ? "" : comma ? " " : ", ") + addition);
        return true;
      }
      if (quote != 0) {
        at += c == '\\' && quote == '"' ? 1 : 0;
        quote = c == quote ? '\0' : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '{' || c == '[') {
        ++depth;
      }
      if (c != ' ') {
        empty = empty && row == open.line && at == open.column;
        last = {row, std::min(at, lines_[row].size() - 1)};
      }
    }
  }
  return false;
}

/// A key with nothing, or a null, after it.
bool Editor::replace_null(Spot key, const Json& entry) {
  std::string& line = lines_[key.line];
  const std::size_t colon = line.find(':', key.column);
  const std::string rest = colon == std::string::npos ? "?" : line.substr(colon + 1);
  const std::string word = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  if (!word.empty() && word != "null" && word != "~") {
    return false;
  }
  auto lines = block(key.column, entry);
  line.resize(key.column);
  line += lines.front().substr(key.column);
  lines_.insert(
      lines_.begin() + static_cast<std::ptrdiff_t>(key.line) + 1, lines.begin() + 1, lines.end());
  return true;
}

bool Editor::add_to_map(const std::string& pointer,
                        const Json& parent,
                        const std::string& key,
                        const Json& value) {
  const auto begin = value_spot(pointer);
  if (begin && lines_[begin->line][begin->column] == '{') {
    return !parent.contains(key) && add_to_flow(*begin, Json(key).dump() + ": " + value.dump());
  }
  const Json entry = {{key, value}};
  if (parent.contains(key)) {
    const auto old = spot((Json::json_pointer(pointer) / key).to_string());
    return old && replace_null(*old, entry);
  }
  const auto first = first_child(pointer, parent);
  if (!first) {
    return false;
  }
  insert_block(last_line(*first, false), first->column, entry);
  return true;
}

bool Editor::add_to_list(const std::string& pointer, const Json& parent, const Json& value) {
  const auto begin = value_spot(pointer);
  if (begin && lines_[begin->line][begin->column] == '[') {
    return add_to_flow(*begin, value.dump());
  }
  const auto first = first_child(pointer, parent);
  if (!first || first->column == 0) {
    return false;
  }
  const std::size_t dash = lines_[first->line].find_last_not_of(' ', first->column - 1);
  if (dash == std::string::npos || !is_dash(lines_[first->line], dash)) {
    return false;
  }
  insert_block(last_line({first->line, dash}, true), dash, Json::array({value}));
  return true;
}

bool Editor::add(const std::string& pointer, const Json& value) {
  const std::size_t slash = pointer.rfind('/');
  if (slash == std::string::npos) {
    return false;
  }
  const std::string above = pointer.substr(0, slash);
  const std::string key = unescaped(pointer.substr(slash + 1));
  const Json::json_pointer where(above);
  if (!document_.value.contains(where)) {
    return false;  // The text reads otherwise than the edit before meant it to.
  }
  const Json& parent = document_.value.at(where);
  if (parent.is_object()) {
    return add_to_map(above, parent, key, value);
  }
  return parent.is_array() && key == "-" && add_to_list(above, parent, value);
}

std::string Editor::text() const {
  std::string text;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    text += lines_[i] + (i + 1 == lines_.size() ? "" : windows_ ? "\r\n" : "\n");
  }
  return text;
}

std::optional<YamlDocument> only_document(const std::string& text) {
  auto documents = kube::parse_yaml_documents(text);
  return documents && documents->size() == 1 ? std::optional(std::move(documents->front()))
                                             : std::nullopt;
}

}  // namespace

std::optional<std::string> patched_yaml(const std::string& text,
                                        const Json& patch,
                                        const Json& wanted) {
  std::string now = text;
  if (!now.ends_with('\n')) {
    now += '\n';
  }
  for (const Json& operation : patch) {
    const auto document = only_document(now);
    if (!document || operation.at("op") != "add") {
      return std::nullopt;
    }
    Editor editor(now, *document);
    if (!editor.add(operation.at("path").get<std::string>(), operation.at("value"))) {
      return std::nullopt;
    }
    now = editor.text();
  }
  const auto result = only_document(now);
  return result && result->value == wanted ? std::optional(now) : std::nullopt;
}

std::optional<std::string> patched_json(const std::string& text,
                                        const Json& patch,
                                        const Json& wanted) {
  using Ordered = nlohmann::ordered_json;
  Ordered value = Ordered::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return std::nullopt;
  }
  value.patch_inplace(Ordered::parse(patch.dump()));
  constexpr int k_indent = 2;
  const std::size_t line = text.find('\n');
  const std::size_t first = line == text.npos ? line : text.find_first_not_of(" \t\r\n", line);
  const bool tabs = first != text.npos && text[first - 1] == '\t';
  const bool flat = first == text.npos;
  const std::size_t begin = flat ? 0 : text.rfind('\n', first) + 1;
  const int width = flat ? -1 : first == begin ? k_indent : static_cast<int>(first - begin);
  std::string now = value.dump(width, tabs ? '\t' : ' ') + "\n";
  return Json::parse(now) == wanted ? std::optional(std::move(now)) : std::nullopt;
}

}  // namespace kredis::plugin
