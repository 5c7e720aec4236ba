// SPDX-License-Identifier: Apache-2.0
//
// Which shape a cluster's memory, keys and places would ask for. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

struct ScaleSuggestion {
  Shape now = {};
  Shape wanted = {};
  std::vector<std::string> reasons = {};  ///< A sentence each; empty where all is well as it is.
};

/// Masters: so many that each is filled to three quarters at most of its maxmemory (else of its
/// pod's limit) and holds keys that it can load in minutes; fewer, where half of that would do.
/// Replicas: at least one of each, and no more copies than there are Kubernetes nodes for them.
/// Errors: as nobody_answers; unsafe (slots without a master: to be mended first).
Result<ScaleSuggestion> suggest_scale(const ClusterView& view);

}  // namespace kredis::core
