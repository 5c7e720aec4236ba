// SPDX-License-Identifier: Apache-2.0
//
// Deployments: one ReplicaSet a template, and how many pods each may have while one takes over from
// the other. https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. How many replicas each ReplicaSet is to have now; `newest` names that of the present
/// template and must be among `sets`.
std::map<std::string, std::int64_t> plan_deployment(const Json& deployment,
                                                    const Objects& sets,
                                                    const std::string& newest);

/// Pure. Status with the conditions that `kubectl rollout status` reads.
Json deployment_status(const Json& deployment,
                       const Objects& sets,
                       const std::string& newest,
                       TimePoint now);

/// The number that "25%" or 3 is of `total`; percentages of a surge round up, of absence down.
enum class Rounding { up, down };
std::int64_t share_of(const Json& value, std::int64_t total, Rounding rounding);

void reconcile_deployments(Context& context);

}  // namespace kredis::sandbox
