// SPDX-License-Identifier: Apache-2.0
//
// The API server's own error: what Kubernetes answers as a `Status` object. Message texts follow
// k8s.io/apimachinery/pkg/api/errors, because users and programs read them.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "shared/core/error.hpp"
#include "shared/json/json.hpp"
#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {

/// One reason for a refusal, for example FieldValueRequired at "spec.selector".
struct Cause {
  std::string reason;
  std::string message;
  std::string field = {};
};

struct ApiError {
  int code = 500;
  std::string reason;
  std::string message;
  Json details = nullptr;

  /// The `Status` object that goes on the wire.
  Json to_json() const;
};

template <typename T>
class [[nodiscard]] ApiResult : public tl::expected<T, ApiError> {
 public:
  using tl::expected<T, ApiError>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor): `return not_found(...)` is the point.
  ApiResult(ApiError error) : tl::expected<T, ApiError>(tl::unexpect, std::move(error)) {}
};
using ApiStatus = ApiResult<void>;

ApiError not_found(const ResourceInfo& info, std::string_view name);
ApiError already_exists(const ResourceInfo& info, std::string_view name);
/// The resourceVersion that was sent is not the object's any more.
ApiError modified_meanwhile(const ResourceInfo& info, std::string_view name);
ApiError conflict(const ResourceInfo& info, std::string_view name, std::string_view why);
ApiError invalid(const ResourceInfo& info, std::string_view name, const std::vector<Cause>& causes);
ApiError forbidden(const ResourceInfo& info, std::string_view name, std::string_view why);
ApiError bad_request(std::string message);
ApiError unauthorized();
ApiError path_not_found();
ApiError method_not_allowed();
ApiError unsupported_media_type(std::string_view got);
/// 410: the revision that was asked for is not kept any more.
ApiError expired(std::string message);
ApiError too_many_requests(std::string message, const std::vector<Cause>& causes);
ApiError internal_error(std::string_view why);
/// What the other halves of the sandbox report, with the HTTP code that fits.
ApiError from_error(const Error& error);

}  // namespace kredis::sandbox::api
