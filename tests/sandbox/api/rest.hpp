// SPDX-License-Identifier: Apache-2.0
//
// From an HTTP request to the function that answers it: authentication, authorisation, routing, and
// writing the answer. What the functions do is elsewhere.
#pragma once

#include <atomic>
#include <string>

#include "tests/sandbox/api/objects.hpp"
#include "tests/sandbox/api/rbac.hpp"
#include "tests/sandbox/api/request_path.hpp"

namespace kredis::sandbox::api {

class RestApi {
 public:
  struct Parts {
    Store& store;
    Authenticator& authenticator;
    Rbac& rbac;
    Admission& admission;
    Objects& objects;
    PodStreams* streams;  ///< May be null: then exec, logs and the like answer 404.
    std::string server_version;
  };
  explicit RestApi(Parts parts) : parts_(std::move(parts)) {}

  void handle(const HttpRequest& request, Exchange& exchange);

 private:
  struct Call;
  ApiStatus dispatch(const HttpRequest& request, Exchange& exchange);
  ApiResult<Identity> authenticate(const HttpRequest& request, Exchange& exchange) const;
  ApiStatus answer_path(const Call& call);
  ApiStatus answer_resource(const Call& call);
  ApiStatus answer_collection(const Call& call);
  ApiStatus answer_object(const Call& call);
  ApiStatus answer_write(const Call& call);
  ApiStatus answer_subresource(const Call& call);
  ApiStatus answer_stream(const Call& call);
  ApiStatus answer_log(const Call& call, const StreamRequest& request);
  ApiStatus create(const Call& call);
  ApiStatus patch(const Call& call);
  ApiStatus remove(const Call& call);
  ApiStatus remove_collection(const Call& call);

  Parts parts_;
};

}  // namespace kredis::sandbox::api
