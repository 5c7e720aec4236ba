// SPDX-License-Identifier: Apache-2.0
//
// What the API server's eviction and quota admission read: budgets' and quotas' status.
#pragma once

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. The status of a PodDisruptionBudget over the pods of its namespace; `expected` is how many
/// pods their workloads ask for.
Json disruption_status(const Json& budget, const Objects& pods, std::int64_t expected);

void reconcile_disruption_budgets(Context& context);

/// Pure. `status.used` of a quota: the resources that it names, summed up.
Json quota_used(const Json& quota, const Objects& pods, const Objects& claims,
                const Objects& services);

void reconcile_quotas(Context& context);

}  // namespace kredis::sandbox
