// SPDX-License-Identifier: Apache-2.0
//
// What evictions are decided by: the status of disruption budgets.
#pragma once

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. The status of a PodDisruptionBudget over the pods of its namespace; `expected` is how many
/// pods their workloads ask for.
Json disruption_status(const Json& budget, const Objects& pods, std::int64_t expected);

void reconcile_disruption_budgets(Context& context);

}  // namespace kredis::sandbox
