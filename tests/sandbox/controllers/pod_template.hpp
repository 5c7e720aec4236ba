// SPDX-License-Identifier: Apache-2.0
//
// From a workload's pod template to a pod. Pure but for `create_pod`.
#pragma once

#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// A pod of the template, controlled by `owner`, with Kubernetes' defaults and no status.
Json pod_from_template(const Json& pod_template, const Json& owner, const std::string& name);

/// Creates the pod; when that is refused, an event on `owner` says why.
void create_pod(Context& context, const Json& owner, Json pod, const std::string& component);

}  // namespace kredis::sandbox
