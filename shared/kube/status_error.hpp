// SPDX-License-Identifier: Apache-2.0
//
// Turns what an API server answers when it will not do something into an Error in the user's words.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
#pragma once

#include <string>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

/// What was asked, in the words of RBAC; for messages only.
struct Request {
  std::string verb;
  ports::ResourcePath path;

  /// "list pods in namespace shop", "patch statefulset redis-app in namespace shop".
  std::string to_text() const;
};

/// The one-line rule that would allow `request`, and where it belongs.
std::string rbac_hint(const Request& request);

/// Reads the Status object in `body`, or makes the best of whatever else is there.
Error error_from_answer(const Request& request, int http_status, const std::string& body);

}  // namespace kredis::kube
