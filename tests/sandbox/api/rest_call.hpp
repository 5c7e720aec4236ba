// SPDX-License-Identifier: Apache-2.0
//
// One request on its way through the REST layer, and the ways to answer it.
#pragma once

#include "tests/sandbox/api/rest.hpp"

namespace kredis::sandbox::api {

struct RestApi::Call {
  const HttpRequest& request;
  Exchange& exchange;
  Identity who;
  RequestPath path;

  const Target& target() const { return path.target; }
  const ResourceInfo& info() const { return *path.target.info; }
};

void send_json(Exchange& exchange, int code, const Json& body);
void send_error(Exchange& exchange, const ApiError& error);
/// Sends an object that was written, its warnings as headers.
void send_written(const HttpRequest& request,
                  Exchange& exchange,
                  const ResourceInfo& info,
                  const Written& written);

/// Reads `dryRun`, `fieldManager`, `fieldValidation` and `force`. Errors: 400.
ApiResult<WriteOptions> write_options_of(const HttpRequest& request, const Identity& who);

/// The body, whether it came as JSON, YAML or protobuf. Errors: 400.
ApiResult<Json> body_of(const HttpRequest& request);

}  // namespace kredis::sandbox::api
