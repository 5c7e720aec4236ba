// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/patch.hpp"

#include <algorithm>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/json_access.hpp"

namespace kredis::policy {
namespace {

/// RFC 6901, section 4, in one pass.
std::string unescaped(std::string_view key) {
  std::string result;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool escape = key[i] == '~' && i + 1 < key.size();
    result += escape ? (key[i + 1] == '1' ? '/' : '~') : key[i];
    i += escape ? 1 : 0;
  }
  return result;
}

/// The value with the parents `keys` from `first` on around it. RFC 6902 (section 4.1) wants the
/// parent of an `add` to exist, so everything that is missing goes into one operation.
Json wrapped(const std::vector<std::string_view>& keys, std::size_t first, Json value) {
  for (std::size_t i = keys.size(); i > first; --i) {
    const std::string_view key = keys[i - 1];
    value = key == "-" || key == "0" ? Json::array({std::move(value)})
                                     : Json{{unescaped(key), std::move(value)}};
  }
  return value;
}

/// The member of `parent` under that key; null where there is none. Unlike `operator[]` it makes
/// none.
Json* child(Json& parent, std::string_view key) {
  if (parent.is_array()) {
    const auto index = core::to_number<std::size_t>(key);
    return index && *index < parent.size() ? &parent[*index] : nullptr;
  }
  const auto found = parent.find(unescaped(key));
  return found == parent.end() ? nullptr : &*found;
}

}  // namespace

void Report::objection(std::string path,
                       std::string found,
                       std::string wanted,
                       std::string message) {
  objections_.push_back({.rule = std::string(rule_.id),
                         .severity = rule_.severity,
                         .path = std::move(path),
                         .found = std::move(found),
                         .wanted = std::move(wanted),
                         .message = std::move(message)});
}

/// In the order in which they were added, which is that of the rules: the same object always gets
/// the same patch, as tests and dry runs expect.
bool Patch::settle() {
  const std::size_t before = operations_.size();
  for (Addition& each : added_) {
    const std::size_t done = operations_.size();
    carry_out(each.path, std::move(each.value));
    if (operations_.size() != done) {
      rules_.insert(each.rule);
    }
  }
  added_.clear();
  return operations_.size() != before;
}

void Patch::carry_out(std::string_view path, Json value) {
  const auto keys = core::split(path.substr(1), '/');
  Json* here = &object_;
  std::string done;
  for (std::size_t depth = 0; depth < keys.size(); ++depth) {
    // A parent of another type is the user's mistake to mend; the API server names it.
    if (!here->is_object() && !here->is_array()) {
      return;
    }
    const std::string_view key = keys[depth];
    done += "/" + std::string(key);
    const bool append = here->is_array() && key == "-";
    Json* next = append ? nullptr : child(*here, key);
    if (next != nullptr && !next->is_null()) {
      here = next;
      continue;
    }
    if (here->is_array() && !append) {
      return;
    }
    // Two rules may ask for the same port or volume in one round: an object is added once. A plain
    // word may be there before and still be needed, as the "no" of one more argument.
    if (append && value.is_object() && depth + 1 == keys.size() &&
        std::ranges::find(*here, value) != here->end()) {
      return;
    }
    Json whole = wrapped(keys, depth + 1, std::move(value));
    Json::object_t operation;
    operation.emplace("op", "add");
    operation.emplace("path", std::move(done));
    operation.emplace("value", whole);
    operations_.push_back(std::move(operation));
    if (append) {
      here->push_back(std::move(whole));
    } else {
      (*here)[unescaped(key)] = std::move(whole);
    }
    return;
  }
}

}  // namespace kredis::policy
