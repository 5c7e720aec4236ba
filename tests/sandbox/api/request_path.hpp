// SPDX-License-Identifier: Apache-2.0
//
// What a URL is about: a resource, one object, a part of it, or something else altogether.
#pragma once

#include <string>
#include <string_view>

#include "tests/sandbox/api/objects.hpp"

namespace kredis::sandbox::api {

/// Null `info` when the path names no resource that is served.
struct RequestPath {
  bool is_resource = false;
  std::string group = {};
  std::string version = {};
  std::string resource = {};
  Target target = {};
};

/// `/api/v1/namespaces/NS/pods/NAME/log`, `/apis/apps/v1/statefulsets`, ...
RequestPath parse_path(std::string_view path);

}  // namespace kredis::sandbox::api
