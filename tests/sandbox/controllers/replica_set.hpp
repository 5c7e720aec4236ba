// SPDX-License-Identifier: Apache-2.0
//
// ReplicaSets: as many pods as asked for, whichever.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

struct ReplicaSetPlan {
  std::size_t create = 0;
  std::vector<std::string> remove = {};  ///< Pod names; those that matter least first.
  friend bool operator==(const ReplicaSetPlan&, const ReplicaSetPlan&) = default;
};

/// Pure. `pods` are those that the set controls.
ReplicaSetPlan plan_replica_set(const Json& set, const Objects& pods);

void reconcile_replica_sets(Context& context);

}  // namespace kredis::sandbox
