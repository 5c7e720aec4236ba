// SPDX-License-Identifier: Apache-2.0
//
// Checks of a pod's spec, on its own or in a template.
#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Appends what is wrong; `path` is where the spec sits in its object.
void validate_pod_spec(const Json& spec, const std::string& path, std::vector<Cause>& causes);

}  // namespace kredis::sandbox::api
