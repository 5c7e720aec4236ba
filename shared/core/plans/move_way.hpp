// SPDX-License-Identifier: Apache-2.0
//
// Whether slots move key by key or atomically, and why. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/step.hpp"

namespace kredis::core {

/// What was asked for. Nothing: atomically where it is safe.
struct WayWish {
  std::optional<MoveWay> how = {};
  std::string bounded_by = {};  ///< A flag that only the classic way heeds; empty without one.
};

/// Notes in each of `moves` which way it takes, and why. Needs what INFO says; who is silent is
/// not known to be able. Errors: invalid_argument (atomically was asked for, and cannot be: why).
Status choose_ways(const ClusterView& view, const WayWish& wish, std::vector<MoveSlots>& moves);

/// "atomically: both are Valkey 9.1", for people; empty where nobody chose.
std::string way_text(const MoveSlots& move);

}  // namespace kredis::core
