// SPDX-License-Identifier: Apache-2.0
//
// The straightforward way to place replicas, as a measure for ours: deal pods out host by host,
// then swap replicas at random while a score of shared hosts is above zero. redis-cli --cluster
// create is described to work like that; this follows the description, not its code. It knows hosts
// only.
#pragma once

#include <cstdint>
#include <vector>

#include "shared/core/placement/placement.hpp"

namespace kredis::bench {

core::Placement place_by_shuffling(const std::vector<core::Candidate>& candidates,
                                   std::uint32_t masters);

}  // namespace kredis::bench
