// SPDX-License-Identifier: Apache-2.0
//
// A cluster as versioned JSON: what `kubectl redis status -o json` prints. docs/status-json.md
// describes it for its readers; nothing is renamed or removed within one apiVersion.
#pragma once

#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/survival.hpp"
#include "shared/json/json.hpp"

namespace kredis::wire {

/// Runs of slots, both ends included: [[0, 5460]].
Json slots_json(const core::SlotSet& slots);

/// Writes `view` as a ClusterStatus. What is unknown is null; a node without a pod has an empty
/// one.
Json status_report(const core::ClusterView& view,
                   const std::vector<core::Finding>& findings,
                   const core::Survival& survival);

}  // namespace kredis::wire
