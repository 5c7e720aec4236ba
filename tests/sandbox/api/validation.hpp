// SPDX-License-Identifier: Apache-2.0
//
// What Kubernetes refuses: names, missing fields, contradictions inside an object, and changes to
// what cannot change. The texts are Kubernetes' own.
#pragma once

#include <vector>

#include "tests/sandbox/api/schema.hpp"
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Checks a new object, or what an object would become.
std::vector<Cause> validate(const ResourceInfo& info, const Json& object);

/// Checks the step from one state to the next.
std::vector<Cause> validate_update(const ResourceInfo& info, const Json& before, const Json& after);

}  // namespace kredis::sandbox::api
