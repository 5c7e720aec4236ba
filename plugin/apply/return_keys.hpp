// SPDX-License-Identifier: Apache-2.0
//
// Keys of slots that a pod does not own, back to their owner.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// The pod's slots are marked as half moved to or from the owner until none of their keys is left
/// on it. Killed anywhere and run again, it goes on. Errors: conflict (the owner does not own them
/// any more), unsafe (keys have another value here than at the owner and may not be dropped: they
/// stay, and so does the mark), unreachable, cancelled, what a node refused.
Status carry_out(const core::ReturnKeys& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
