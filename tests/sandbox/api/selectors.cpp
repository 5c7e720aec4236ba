// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/selectors.hpp"

#include <algorithm>

namespace kredis::sandbox::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Splits at commas that are not inside parentheses.
std::vector<std::string_view> split_requirements(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at == text.size() || (text[at] == ',' && depth == 0)) {
      parts.push_back(trimmed(text.substr(start, at - start)));
      start = at + 1;
    } else if (text[at] == '(') {
      ++depth;
    } else if (text[at] == ')') {
      --depth;
    }
  }
  return parts;
}

bool is_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' ||
           letter == '_' || letter == '.' || letter == '/';
  });
}

Error cannot_parse(std::string_view text) {
  return Error::invalid_argument("unable to parse requirement: found '" + std::string(text) +
                                 "', expected: a key with =, ==, !=, in, notin, or nothing");
}

// "(a, b)" into its values.
std::vector<std::string> parse_values(std::string_view text) {
  std::vector<std::string> values;
  text = trimmed(text);
  text = text.substr(1, text.size() - 2);
  for (const std::string_view value : split_requirements(text)) {
    values.emplace_back(value);
  }
  return values;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
}

}  // namespace

const Json& labels_of(const Json& object) {
  static const Json none = Json::object();
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    return none;
  }
  const auto labels = metadata->find("labels");
  return labels == metadata->end() || !labels->is_object() ? none : *labels;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  if (trimmed(text).empty()) {
    return selector;
  }
  for (const std::string_view part : split_requirements(text)) {
    KREDIS_TRY(Requirement requirement, parse_requirement(part));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

Result<LabelSelector::Requirement> LabelSelector::parse_requirement(std::string_view text) {
  if (const std::size_t at = text.find('='); at != std::string_view::npos && at > 0) {
    const bool negated = text[at - 1] == '!';
    const std::string_view key = trimmed(text.substr(0, negated ? at - 1 : at));
    const std::size_t value_at = at + 1 < text.size() && text[at + 1] == '=' ? at + 2 : at + 1;
    if (!is_key(key)) {
      return cannot_parse(text);
    }
    return Requirement{std::string(key),
                       negated ? Operator::not_in : Operator::in,
                       {std::string(trimmed(text.substr(value_at)))}};
  }
  if (text.ends_with(')')) {
    for (const auto& [word, op] : {std::pair{" notin", Operator::not_in}, {" in", Operator::in}}) {
      const std::size_t at = text.find(word);
      const std::size_t open = text.find('(');
      if (at != std::string_view::npos && open != std::string_view::npos && at < open &&
          is_key(trimmed(text.substr(0, at)))) {
        return Requirement{
            std::string(trimmed(text.substr(0, at))), op, parse_values(text.substr(open))};
      }
    }
    return cannot_parse(text);
  }
  const bool negated = text.starts_with('!');
  const std::string_view key = trimmed(negated ? text.substr(1) : text);
  if (!is_key(key)) {
    return cannot_parse(text);
  }
  return Requirement{std::string(key), negated ? Operator::not_exists : Operator::exists, {}};
}

LabelSelector LabelSelector::from_object(const Json& object) {
  LabelSelector selector;
  if (!object.is_object()) {
    selector.requirements_.push_back({"", Operator::nothing, {}});
    return selector;
  }
  const Json labels = object.value("matchLabels", Json::object());
  for (const auto& [key, value] : labels.items()) {
    selector.requirements_.push_back({key, Operator::in, {text_of(value)}});
  }
  for (const Json& expression : object.value("matchExpressions", Json::array())) {
    const std::string op = expression.value("operator", "");
    Requirement requirement{expression.value("key", ""), Operator::nothing, {}};
    for (const Json& value : expression.value("values", Json::array())) {
      requirement.values.push_back(text_of(value));
    }
    requirement.op = op == "In"             ? Operator::in
                     : op == "NotIn"        ? Operator::not_in
                     : op == "Exists"       ? Operator::exists
                     : op == "DoesNotExist" ? Operator::not_exists
                                            : Operator::nothing;
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool LabelSelector::holds(const Requirement& requirement, const Json& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = labels.is_object() && found != labels.end();
  const auto listed = [&] {
    const std::string value = text_of(*found);
    return std::find(requirement.values.begin(), requirement.values.end(), value) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::in:
      return present && listed();
    case Operator::not_in:
      return !present || !listed();
    case Operator::exists:
      return present;
    case Operator::not_exists:
      return !present;
    case Operator::nothing:
      break;
  }
  return false;
}

bool LabelSelector::matches(const Json& labels) const {
  return std::all_of(requirements_.begin(),
                     requirements_.end(),
                     [&](const Requirement& requirement) { return holds(requirement, labels); });
}

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  if (trimmed(text).empty()) {
    return selector;
  }
  for (const std::string_view part : split_requirements(text)) {
    const std::size_t at = part.find('=');
    if (at == std::string_view::npos || at == 0) {
      return Error::invalid_argument("invalid selector: '" + std::string(text) +
                                     "'; can't understand '" + std::string(part) + "'");
    }
    const bool negated = part[at - 1] == '!';
    const std::size_t value_at = at + 1 < part.size() && part[at + 1] == '=' ? at + 2 : at + 1;
    Requirement requirement{
        {}, negated ? Operator::not_equal : Operator::equal, std::string(part.substr(value_at))};
    std::string_view path = trimmed(part.substr(0, negated ? at - 1 : at));
    while (!path.empty()) {
      const std::size_t end = std::min(path.find('.'), path.size());
      requirement.path.emplace_back(path.substr(0, end));
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool FieldSelector::matches(const Json& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& wanted) {
    const Json* at = &object;
    for (const std::string& step : wanted.path) {
      const auto next = at->is_object() ? at->find(step) : at->end();
      if (next == at->end()) {
        return (wanted.op == Operator::equal) == wanted.value.empty();
      }
      at = &*next;
    }
    return (text_of(*at) == wanted.value) == (wanted.op == Operator::equal);
  });
}

}  // namespace kredis::sandbox::api
