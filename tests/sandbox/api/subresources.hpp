// SPDX-License-Identifier: Apache-2.0
//
// Parts of objects that have a life of their own: scale, eviction, binding, tokens.
#pragma once

#include "tests/sandbox/api/objects.hpp"

namespace kredis::sandbox::api {

/// The Scale of a workload.
Json scale_of(const ResourceInfo& info, const Json& workload);
/// Replaces a workload's Scale. Errors: as Objects::update; 400 for a negative number.
ApiResult<Written> update_scale(Objects& objects,
                                Admission& admission,
                                const Target& target,
                                const Json& scale,
                                const WriteOptions& options);
/// Patches a workload's Scale.
ApiResult<Written> patch_scale(Objects& objects,
                               Admission& admission,
                               const Target& target,
                               PatchKind kind,
                               const Json& patch,
                               const WriteOptions& options);

/// Deletes a pod unless a PodDisruptionBudget forbids it. Errors: 429 then.
ApiResult<Written> evict_pod(Objects& objects,
                             Admission& admission,
                             const Target& target,
                             const Json& eviction,
                             const WriteOptions& options);

/// Puts a pod on a node. Errors: 409 when it is on one already.
ApiResult<Written> bind_pod(Objects& objects,
                            const Target& target,
                            const Json& binding,
                            const WriteOptions& options);

/// Answers a TokenRequest for a ServiceAccount.
ApiResult<Written> request_token(Objects& objects,
                                 const TokenIssuer& issuer,
                                 const Target& target,
                                 const Json& request);

}  // namespace kredis::sandbox::api
