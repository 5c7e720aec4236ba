// SPDX-License-Identifier: Apache-2.0
//
// The keys of the slots of slots_to_count, on every pod: what plan_fix decides by.
#pragma once

#include "shared/core/plans/plan_fix.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// Counts them in all databases, and looks which of those on a pod that does not own the slot have
/// another value at the owner. Pods that did not answer the last look are left out.
/// Errors: those of asking, and what a node refused.
Result<core::KeyCounts> count_keys(observe::Cluster& cluster,
                                   const core::ClusterView& view,
                                   ports::Deadline deadline);

}  // namespace kredis::plugin
