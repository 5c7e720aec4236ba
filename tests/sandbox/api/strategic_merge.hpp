// SPDX-License-Identifier: Apache-2.0
//
// Strategic merge patches: merge patches that know by which key Kubernetes' lists join, with the
// directives `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList`. Pure.
#pragma once

#include "tests/sandbox/api/schema.hpp"
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Errors: 400 for a patch that does not fit the type.
ApiResult<Json> strategic_merge(const ObjectType& type, const Json& live, const Json& patch);

}  // namespace kredis::sandbox::api
