// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/strategic_merge.hpp"

#include <algorithm>

namespace kredis::sandbox::api {
namespace {

constexpr const char* k_directive = "$patch";
constexpr const char* k_retain_keys = "$retainKeys";
constexpr std::string_view k_order_prefix = "$setElementOrder/";
constexpr std::string_view k_delete_prefix = "$deleteFromPrimitiveList/";

// Thrown inside this file only, to leave the recursion.
struct BadPatch {
  std::string why;
};

std::string directive_of(const Json& patch) {
  const auto found = patch.find(k_directive);
  return found != patch.end() && found->is_string() ? found->get<std::string>() : "";
}

bool contains(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Json merge_object(const ObjectType* type, const Json& live, const Json& patch);

Json key_of(const Json& entry, const std::string& key, const std::string& list) {
  if (!entry.is_object() || !entry.contains(key)) {
    throw BadPatch{"map: " + entry.dump() + " does not contain declared merge key: " + key +
                   " in list " + list};
  }
  return entry[key];
}

// Brings `list` into the order that the patch asks for. Entries it does not name stay next to the
// neighbour they followed.
Json in_order(const Json& list, const Json& order, const std::string& key) {
  const auto name = [&](const Json& entry) {
    return key.empty() ? entry : entry.value(key, Json{});
  };
  Json wanted = Json::array();
  for (const Json& entry : order) {
    wanted.push_back(name(entry));
  }
  std::vector<Json> named;
  for (const Json& target : wanted) {
    for (const Json& entry : list) {
      if (name(entry) == target) {
        named.push_back(entry);
        break;
      }
    }
  }
  Json result = Json::array();
  std::size_t next = 0;
  for (const Json& entry : list) {
    if (!contains(wanted, name(entry))) {
      result.push_back(entry);
    } else if (next < named.size()) {
      result.push_back(named[next++]);
    }
  }
  return result;
}

Json merge_values(const Json& live, const Json& patch) {
  Json result = live.is_array() ? live : Json::array();
  for (const Json& value : patch) {
    if (!contains(result, value)) {
      result.push_back(value);
    }
  }
  return result;
}

void merge_entry(const Field& field, Json& result, const Json& entry) {
  const Json key = key_of(entry, field.merge_key, field.name);
  const auto found = std::find_if(result.begin(), result.end(), [&](const Json& candidate) {
    return candidate.is_object() && candidate.value(field.merge_key, Json{}) == key;
  });
  const std::string directive = directive_of(entry);
  if (directive == "delete") {
    if (found != result.end()) {
      result.erase(found);
    }
    return;
  }
  const ObjectType* type = field.shape.element->object;
  if (found == result.end()) {
    result.push_back(merge_object(type, Json::object(), entry));
  } else {
    *found = merge_object(type, *found, entry);
  }
}

Json merge_entries(const Field& field, const Json& live, const Json& patch) {
  const bool replace = std::any_of(patch.begin(), patch.end(), [&](const Json& entry) {
    return entry.is_object() && directive_of(entry) == "replace" &&
           !entry.contains(field.merge_key);
  });
  Json result = live.is_array() && !replace ? live : Json::array();
  for (const Json& entry : patch) {
    if (entry.is_object() && directive_of(entry) == "replace" && !entry.contains(field.merge_key)) {
      continue;
    }
    merge_entry(field, result, entry);
  }
  return result;
}

Json merge_list(const Field& field, const Json& live, const Json& patch) {
  if (!field.patch_merges) {
    return patch;
  }
  return field.merge_key.empty() ? merge_values(live, patch) : merge_entries(field, live, patch);
}

Json merge_field(const Field* field, const Json& live, const Json& patch) {
  if (patch.is_array() && field != nullptr && field->shape.kind == Shape::Kind::list) {
    return merge_list(*field, live, patch);
  }
  if (patch.is_object()) {
    const ObjectType* type = field == nullptr ? nullptr : field->shape.object;
    return merge_object(type, live, patch);
  }
  return patch;
}

// The directives that stand beside a list: which entries go, and in which order the rest is.
void apply_list_directives(const ObjectType* type, Json& result, const Json& patch) {
  for (const auto& [name, value] : patch.items()) {
    const std::string_view text = name;
    if (text.starts_with(k_delete_prefix)) {
      const std::string list(text.substr(k_delete_prefix.size()));
      if (result.contains(list)) {
        Json kept = Json::array();
        for (const Json& entry : result[list]) {
          if (!contains(value, entry)) {
            kept.push_back(entry);
          }
        }
        result[list] = kept;
      }
    } else if (text.starts_with(k_order_prefix) && value.is_array()) {
      const std::string list(text.substr(k_order_prefix.size()));
      const Field* field = type == nullptr ? nullptr : type->find(list);
      if (field != nullptr && result.contains(list) && result[list].is_array()) {
        result[list] = in_order(result[list], value, field->merge_key);
      }
    }
  }
}

void retain_keys(Json& result, const Json& patch) {
  const auto kept = patch.find(k_retain_keys);
  if (kept == patch.end() || !kept->is_array()) {
    return;
  }
  Json retained = Json::object();
  for (const auto& [name, value] : result.items()) {
    if (contains(*kept, name)) {
      retained[name] = value;
    }
  }
  result = retained;
}

Json merge_object(const ObjectType* type, const Json& live, const Json& patch) {
  const std::string directive = directive_of(patch);
  if (directive == "delete") {
    return Json::object();
  }
  if (!directive.empty() && directive != "replace" && directive != "merge") {
    throw BadPatch{"unknown patch type found: " + directive};
  }
  Json result = live.is_object() && directive != "replace" ? live : Json::object();
  retain_keys(result, patch);
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with('$')) {
      continue;
    }
    if (value.is_null()) {
      result.erase(name);
      continue;
    }
    const Field* field = type == nullptr ? nullptr : type->find(name);
    result[name] = merge_field(field, result.value(name, Json{}), value);
  }
  apply_list_directives(type, result, patch);
  return result;
}

}  // namespace

ApiResult<Json> strategic_merge(const ObjectType& type, const Json& live, const Json& patch) {
  if (!patch.is_object()) {
    return bad_request("a strategic merge patch must be an object");
  }
  try {
    return merge_object(&type, live, patch);
  } catch (const BadPatch& problem) {
    return bad_request(problem.why);
  }
}

}  // namespace kredis::sandbox::api
