// SPDX-License-Identifier: Apache-2.0
//
// The pod template of a Redis node, the same in both layouts but for what it announces.
#pragma once

#include <optional>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/policy/names.hpp"

namespace kredis::manifest {

using policy::k_grace_seconds;
using policy::k_hand_over_seconds;

/// Builds the pod template (metadata and spec).
/// `ordinal`: of the one node this is for, in the Service & Deployment layout; nothing for the
/// StatefulSet's template.
Json pod_template(const ClusterSpec& spec, std::optional<int> ordinal);

}  // namespace kredis::manifest
