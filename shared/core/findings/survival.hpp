// SPDX-License-Identifier: Apache-2.0
//
// What would be lost if a pod, a Kubernetes node or a zone went away this moment.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// The consequence of losing one failure domain.
struct Loss {
  SlotSet slots = {};          ///< Slots whose every copy would be gone.
  bool majority_gone = false;  ///< No majority of masters left to vote a replica in.
  std::uint32_t masters = 0;   ///< Serving masters that would be gone.
  bool survived() const noexcept { return slots.empty() && !majority_gone; }
  friend bool operator==(const Loss&, const Loss&) = default;
};

/// A loss for every node, zone and pod that is known by name.
struct Survival {
  std::map<std::string, Loss> nodes;
  std::map<std::string, Loss> zones;
  std::map<std::string, Loss> pods;
};

/// Goes by the view that most members share. Pure. A replica counts as a copy only when it answers,
/// its link to this master is up, it is not failing and may take over; a master, as long as it
/// serves; a node that the others do not know, where it alone has slots.
Survival survival_of(const ClusterView& view);

/// What is lost when the pods `leaving` go, on top of those that are `gone` already though they may
/// still answer. By the same measure; a majority that is not there now cannot be lost.
Loss loss_of(const ClusterView& view,
             const std::set<std::string>& leaving,
             const std::set<std::string>& gone = {});

}  // namespace kredis::core
