// SPDX-License-Identifier: Apache-2.0
//
// OpenAPI documents made from the schema and the table of resources: enough for kubectl's
// validation, its dry-run check and `kubectl explain`. Version 2 goes out as protobuf too, which
// old kubectls want.
#pragma once

#include <optional>
#include <string>

#include "tests/sandbox/api/http_server.hpp"

namespace kredis::sandbox::api {

struct OpenApiDocument {
  std::string content_type;
  std::string body;
};

/// The document at `/openapi/v2`, `/openapi/v3` or below; nothing for any other path.
std::optional<OpenApiDocument> openapi_document(const HttpRequest& request);

}  // namespace kredis::sandbox::api
