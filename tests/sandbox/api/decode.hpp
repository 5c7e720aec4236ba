// SPDX-License-Identifier: Apache-2.0
//
// Brings what a client sent into the shape Kubernetes stores: unknown fields go (and are told),
// nulls go, and a value of the wrong type is refused in the words of Kubernetes' own decoder.
#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/api/schema.hpp"
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

struct Decoded {
  Json object;
  std::vector<std::string> unknown_fields;  ///< Paths such as `spec.replicass`.
};

/// Errors: 400 when a value has the wrong type.
ApiResult<Decoded> decode(const ResourceInfo& info, const Json& sent);

/// Reads a body as JSON, or as YAML when `media_type` says so. Errors: 400.
ApiResult<Json> parse_body(std::string_view media_type, const std::string& body);

}  // namespace kredis::sandbox::api
