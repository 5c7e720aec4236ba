// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/json_access.hpp"

#include <algorithm>

#include "shared/core/text.hpp"

namespace kredis::policy {
namespace {

/// One for all, as `member` gives references out.
const Json& nothing() {
  static const Json k_nothing;
  return k_nothing;
}

constexpr std::size_t k_longest_shown = 60;

std::optional<std::int64_t> within(std::optional<std::int64_t> value) {
  return value && *value <= k_largest_number && *value >= -k_largest_number ? value : std::nullopt;
}

/// The operators of a set-based requirement (Kubernetes docs, Labels and Selectors). NotIn also
/// matches objects without the label. An operator that is none of the four matches nothing: the API
/// server refuses it, and `lint` may meet it.
bool holds(const Json& expression, const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(text(member(expression, {"key"})));
  const std::string how = text(member(expression, {"operator"}));
  if (how == "Exists" || how == "DoesNotExist") {
    return (label != labels.end()) == (how == "Exists");
  }
  const Json& values = items(member(expression, {"values"}));
  const bool listed = label != labels.end() && std::ranges::any_of(values, [&](const Json& value) {
                        return text(value) == label->second;
                      });
  return how == "In" ? listed : how == "NotIn" && !listed;
}

}  // namespace

const Json& member(const Json& value, std::initializer_list<std::string_view> keys) {
  const Json* here = &value;
  for (const std::string_view key : keys) {
    if (!here->is_object()) {
      return nothing();
    }
    const auto found = here->find(key);
    if (found == here->end()) {
      return nothing();
    }
    here = &*found;
  }
  return *here;
}

const Json& at_path(const Json& value, std::string_view path) {
  const Json* here = &value;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    // RFC 6901, section 4: one pass from the left. Two passes, ~0 first, would read "~01" as "/".
    std::string key(path.substr(0, path.find('/')));
    path.remove_prefix(key.size());
    for (std::size_t at = key.find('~'); at != std::string::npos && at + 1 < key.size();
         at = key.find('~', at + 1)) {
      key.replace(at, 2, key[at + 1] == '1' ? "/" : "~");
    }
    if (here->is_array()) {
      const auto index = core::to_number<std::size_t>(key);
      if (!index || *index >= here->size()) {
        return nothing();
      }
      here = &(*here)[*index];
    } else {
      here = &member(*here, {key});
    }
  }
  return *here;
}

/// Nobody checked the type: `containers: {}` has passed no schema when `lint` reads it.
const Json& items(const Json& value) {
  static const Json k_none = Json::array();
  return value.is_array() ? value : k_none;
}

const std::string& text(const Json& value) {
  static const std::string k_none;
  return value.is_string() ? value.get_ref<const std::string&>() : k_none;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  return within(core::to_number<std::int64_t>(text));
}

std::optional<std::int64_t> number(const Json& value) {
  if (!value.is_number_integer()) {
    return number_in(text(value));
  }
  // An unsigned number past 2^63 would turn negative as a signed one.
  const bool fits =
      !value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{k_largest_number};
  return fits ? within(value.get<std::int64_t>()) : std::nullopt;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

/// Labels, selectors and ConfigMap data are maps of texts. The API server refuses an unquoted
/// number there, but `lint` reads files before any server does.
std::map<std::string, std::string> texts(const Json& value) {
  std::map<std::string, std::string> result;
  if (value.is_object()) {
    for (const auto& [key, each] : value.items()) {
      if (each.is_string()) {
        result.emplace(key, each.get<std::string>());
      }
    }
  }
  return result;
}

std::string joined(std::string_view path, std::string_view key) {
  std::string result(path);
  result += '/';
  for (const char c : key) {
    result += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  }
  return result;
}

std::string joined(std::string_view path, std::size_t index) {
  return std::string(path) + "/" + std::to_string(index);
}

std::string shown(const Json& value) {
  if (value.is_null()) {
    return "nothing";
  }
  const std::string line = value.is_string()
                               ? value.get<std::string>()
                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  // `quoted` blots out control characters: no value can begin a line of its own in a report.
  const std::string quoted = core::quoted(line.substr(0, k_longest_shown));
  const std::string plain = quoted.substr(1, quoted.size() - 2);
  return line.size() > k_longest_shown ? plain + "..." : plain;
}

bool selects(const Json& selector, const std::map<std::string, std::string>& labels) {
  const Json& wanted = member(selector, {"matchLabels"});
  const Json& expressions = items(member(selector, {"matchExpressions"}));
  if ((!wanted.is_object() || wanted.empty()) && expressions.empty()) {
    return false;
  }
  for (const auto& [key, value] : texts(wanted)) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) {
      return false;
    }
  }
  return std::ranges::all_of(expressions, [&](const Json& each) { return holds(each, labels); });
}

}  // namespace kredis::policy
