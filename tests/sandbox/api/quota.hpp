// SPDX-License-Identifier: Apache-2.0
//
// ResourceQuota: what a namespace may hold.
#pragma once

#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// Refuses a new object that would exceed a quota of its namespace.
/// Errors: 403 with Kubernetes' own text.
ApiStatus check_quota(const Store& store, const ResourceInfo& info, const Json& object);

/// Writes what is used into the status of every quota.
void refresh_quotas(Store& store);

}  // namespace kredis::sandbox::api
