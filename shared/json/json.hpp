// SPDX-License-Identifier: Apache-2.0
//
// The JSON type that objects travel in, above the core, and how their texts are read. Core
// signatures never show it.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace kredis {

using Json = nlohmann::json;

/// The text at `where` (RFC 6901), or `otherwise` where there is none.
inline std::string text_at(const Json& object,
                           const Json::json_pointer& where,
                           std::string otherwise = {}) {
  return object.contains(where) && object[where].is_string() ? object[where].get<std::string>()
                                                             : std::move(otherwise);
}

inline std::string text_at(const Json& object,
                           const std::string& pointer,
                           std::string otherwise = {}) {
  return text_at(object, Json::json_pointer(pointer), std::move(otherwise));
}

}  // namespace kredis
