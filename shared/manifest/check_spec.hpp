// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a description, as far as it can be told without a cluster. What only the
// cluster knows (storage classes, quota, names that are taken) is `create`'s to ask.
#pragma once

#include "shared/core/result.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

inline constexpr int k_fewest_masters = 3;
/// Redis's own recommendation for the most nodes that a cluster should have.
inline constexpr int k_most_nodes = 1'000;

/// Accepts a description or says what is wrong first, with one way to put it right.
/// Errors: invalid_argument, naming the option and its value.
Status check(const ClusterSpec& spec);

}  // namespace kredis::manifest
