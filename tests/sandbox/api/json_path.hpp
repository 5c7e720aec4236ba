// SPDX-License-Identifier: Apache-2.0
//
// Reading JSON whose shape nobody has promised: never throws, never inserts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {

/// Follows field names; null when one is missing or not an object.
const Json& dig(const Json& object, std::initializer_list<std::string_view> path);
std::string dig_text(const Json& object, std::initializer_list<std::string_view> path);
std::int64_t dig_number(const Json& object,
                        std::initializer_list<std::string_view> path,
                        std::int64_t otherwise = 0);
/// The list at a path, or an empty one.
const Json& dig_list(const Json& object, std::initializer_list<std::string_view> path);

/// Sets `field` unless it is there.
void set_default(Json& object, const char* field, Json value);

}  // namespace kredis::sandbox::api
