// SPDX-License-Identifier: Apache-2.0
//
// Asking the API server beforehand whether everything a verb is about to do is allowed, so that it
// does not stop half-way. docs/rbac.md lists the same needs.
#pragma once

#include <string>
#include <vector>

#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// One thing a verb needs to be allowed.
struct Need {
  std::string verb;
  std::string group;
  std::string resource;    ///< Plural, with "/subresource" where one is meant.
  std::string namespace_;  ///< Empty for cluster scope.
};

/// Asks all in parallel (SelfSubjectAccessReview).
/// Errors: unauthorized, listing every right that is missing, with the rules to add as hint.
Status require_permissions(ports::KubePort& kube, const std::vector<Need>& needs);

}  // namespace kredis::plugin
