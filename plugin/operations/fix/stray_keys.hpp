// SPDX-License-Identifier: Apache-2.0
//
// Keys that no client finds: of slots that are not the node's, and of which no mark is left.
#pragma once

#include "shared/core/cluster_view.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// The last look, with Member::stray_keys of every master that answered it. Each is asked for the
/// number of keys in every slot that is not its own, which takes a server about two milliseconds;
/// nobody is asked while servers move slots themselves. Of a node that does not say, or whose user
/// may not ask, Member::stray_trouble tells why.
core::ClusterView view_with_stray_keys(observe::Cluster& cluster, ports::Deadline deadline);

}  // namespace kredis::plugin
