// SPDX-License-Identifier: Apache-2.0
//
// What `create` does to Kubernetes, as a plan. Pure.
#pragma once

#include <vector>

#include "shared/core/plans/plan.hpp"
#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::plugin {

/// Applies the objects in their order; `before` is what is there, null for each that is not.
core::Stage apply_stage(const manifest::ClusterSpec& spec,
                        const std::vector<Json>& objects,
                        const std::vector<Json>& before);

/// Waits until every pod of the cluster is ready.
core::Stage pods_stage(const manifest::ClusterSpec& spec);

/// Both, for a look at what would be done; init plans its part from the pods themselves.
core::Plan plan_create(const manifest::ClusterSpec& spec,
                       const std::vector<Json>& objects,
                       const std::vector<Json>& before);

}  // namespace kredis::plugin
