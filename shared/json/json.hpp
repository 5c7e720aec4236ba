// SPDX-License-Identifier: Apache-2.0
//
// The JSON type that objects travel in, above the core, and how their texts are read. Core
// signatures never show it.
#pragma once

#include <string>
#include <string_view>
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

/// The value of a label, or of an annotation, of a Kubernetes object; empty where it has none.
inline std::string label_of(const Json& object, std::string_view label) {
  return text_at(object, Json::json_pointer("/metadata/labels") / std::string(label));
}
inline std::string annotation_of(const Json& object, std::string_view annotation) {
  return text_at(object, Json::json_pointer("/metadata/annotations") / std::string(annotation));
}

}  // namespace kredis
