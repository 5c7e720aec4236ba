// SPDX-License-Identifier: Apache-2.0
//
// Asking the API server beforehand whether everything a verb is about to do is allowed, so that it
// does not stop half-way. What that is comes from the table in rights.hpp.
#pragma once

#include <string>
#include <vector>

#include "plugin/operations/rbac/rights.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// One thing a verb needs to be allowed.
struct Need {
  std::string verb;
  std::string group;
  std::string resource;    ///< Plural, with "/subresource" where one is meant.
  std::string namespace_;  ///< Empty for cluster scope.
  std::string name = {};   ///< Where only one object is meant.
};

/// What of `rights` is needed, for objects in `namespace_`; Secrets only by their `secrets` names.
std::vector<Need> needs_of(const std::vector<Right>& rights,
                           const std::string& namespace_,
                           const std::vector<std::string>& secrets);

/// Asks all in parallel (SelfSubjectAccessReview).
/// Errors: unauthorized, listing every right that is missing, with the rules to add as hint.
Status require_permissions(ports::KubePort& kube, const std::vector<Need>& needs);

}  // namespace kredis::plugin
