// SPDX-License-Identifier: Apache-2.0
//
// What `reshard` with a number had set out to move. The cluster alone does not say how many of 500
// slots have moved already; so what was begun is kept with the Lease, and the same command goes on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan_reshard.hpp"

namespace kredis::plugin {

/// As it is kept: JSON, of the wish and the slots that come to each target.
std::string begun_text(const core::ReshardWish& wish, const std::vector<core::MoveSlots>& moves);

/// The moves that are left of what begun_text wrote; nullopt where `text` is of another wish, or
/// unreadable. A target that was replaced by its replica is that now.
/// Errors: conflict (a target does not answer), those of the planner.
Result<std::optional<std::vector<core::MoveSlots>>> left_of_begun(const core::ClusterView& view,
                                                                  const core::ReshardWish& wish,
                                                                  const std::string& text);

}  // namespace kredis::plugin
