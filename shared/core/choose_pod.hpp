// SPDX-License-Identifier: Apache-2.0
//
// Which pod a session with a cluster should be held with.
#pragma once

#include <optional>
#include <string>

#include "shared/core/cluster_view.hpp"
#include "shared/core/result.hpp"

namespace kredis::core {

/// Finds the pod that serves `key`'s slot; without a key any pod that is a master with slots, else
/// any that answers. The pointer leads into `view`.
/// Errors: not_found (nobody serves the slot: says which; or no pod answers).
Result<const Member*> choose_pod(const ClusterView& view, const std::optional<std::string>& key);

}  // namespace kredis::core
