// SPDX-License-Identifier: Apache-2.0
//
// Those rules that look at one workload alone, as ValidatingAdmissionPolicies: the API server
// judges them itself (CEL), for those who want no webhook. They complete nothing and look nothing
// up. https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
#pragma once

#include <string>
#include <vector>

#include "shared/manifest/webhook_objects.hpp"

namespace kredis::manifest {

/// The ids of the rules that have an expression, in order.
std::vector<std::string> static_rules();

/// Policies, then their bindings: one for each level of a namespace.
std::vector<Json> static_policies(const WebhookSpec& spec);

}  // namespace kredis::manifest
