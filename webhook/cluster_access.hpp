// SPDX-License-Identifier: Apache-2.0
//
// How the webhook gets into the Redis nodes of a cluster: password and certificates from the
// Secrets that its workload names.
#pragma once

#include <memory>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/wire/json.hpp"

namespace kredis::webhook {

/// Reads the Secrets, if there are any, and makes the port; `kube` must outlive it.
/// Errors: unauthorized (the webhook may not read that Secret), not_found.
Result<std::unique_ptr<ports::RedisPort>> open_cluster(ports::KubePort& kube, const Json& workload);

}  // namespace kredis::webhook
