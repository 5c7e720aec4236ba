// SPDX-License-Identifier: Apache-2.0
//
// What each slot weighs: keys, memory or work, as the masters tell.
#pragma once

#include <vector>

#include "plugin/apply/conduct.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

enum class SlotMeasure {
  slots,  ///< Each counts the same.
  keys,
  memory,  ///< By CLUSTER SLOT-STATS where it counts bytes; else by some keys of each slot.
  load,    ///< CPU time since the statistics were reset; by CLUSTER SLOT-STATS alone.
};

/// One number for each slot of the cluster that was looked at last; empty for `slots`.
/// Errors: conflict (a server cannot tell: which, and what it needs), those of the connections.
Result<std::vector<double>> weigh_slots(observe::Cluster& cluster,
                                        SlotMeasure measure,
                                        const Conduct& conduct);

}  // namespace kredis::plugin
