// SPDX-License-Identifier: Apache-2.0
//
// Reads Kubernetes' protobuf bodies: recent kubectls send some of their requests so. Answers are
// always JSON, which every client accepts.
#pragma once

#include <string_view>

#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Errors: 400 for what is no such body or a kind that is unknown.
ApiResult<Json> decode_protobuf(std::string_view body);

}  // namespace kredis::sandbox::api
