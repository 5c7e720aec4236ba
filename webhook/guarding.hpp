// SPDX-License-Identifier: Apache-2.0
//
// What the guards say of a review, put into its decision. Pure.
#pragma once

#include "shared/policy/guard.hpp"
#include "webhook/decision.hpp"

namespace kredis::webhook {

/// Adds the guards' answer to what the rules decided; the level of the decision says how far it
/// goes.
void add_guards(const Review& review,
                const policy::Surroundings& around,
                const policy::Look& look,
                Decision& decision);

/// Whether the review lets a pod go, should it be allowed.
bool lets_a_pod_go(const Review& review);

}  // namespace kredis::webhook
