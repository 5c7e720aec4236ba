// SPDX-License-Identifier: Apache-2.0
//
// Which hand-overs would spread masters over Kubernetes nodes and zones. Pure.
#pragma once

#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// A replica that would be the better master of its shard.
struct BetterMaster {
  const ShardView* shard = nullptr;
  const Member* replica = nullptr;
};

/// The fewest hand-overs, one by one the best, after which no further one spreads the masters
/// better: over nodes first, then over zones. Replicas that do not follow in step are left out. The
/// pointers lead into `shards` and their view.
std::vector<BetterMaster> better_masters(const std::vector<ShardView>& shards);

/// How many more masters the fullest node has than it would have after those hand-overs.
int piled_up(const std::vector<ShardView>& shards);

}  // namespace kredis::core
