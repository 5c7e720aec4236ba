// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {

const Json& dig(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json nothing;
  const Json* at = &object;
  for (const std::string_view step : path) {
    if (!at->is_object()) {
      return nothing;
    }
    const auto next = at->find(std::string(step));
    if (next == at->end()) {
      return nothing;
    }
    at = &*next;
  }
  return *at;
}

std::string dig_text(const Json& object, std::initializer_list<std::string_view> path) {
  const Json& found = dig(object, path);
  return found.is_string() ? found.get<std::string>() : std::string();
}

std::int64_t dig_number(const Json& object,
                        std::initializer_list<std::string_view> path,
                        std::int64_t otherwise) {
  const Json& found = dig(object, path);
  return found.is_number_integer() ? found.get<std::int64_t>() : otherwise;
}

const Json& dig_list(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json none = Json::array();
  const Json& found = dig(object, path);
  return found.is_array() ? found : none;
}

void set_default(Json& object, const char* field, Json value) {
  if (!object.contains(field)) {
    object[field] = std::move(value);
  }
}

}  // namespace kredis::sandbox::api
