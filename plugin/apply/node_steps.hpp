// SPDX-License-Identifier: Apache-2.0
//
// Steps that are commands to one Redis node: in which words, which refusals only say that a step
// was done before, and what shows that it is done. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/core/reply.hpp"

namespace kredis::plugin {

/// Writes `step` in the words that the pod's server version knows. Empty for a step that is no
/// command to one node.
/// Errors: conflict (a pod that is no member any more), unreachable (the other pod has no address).
Result<std::vector<core::Command>> commands_for(const core::Step& step,
                                                const core::ClusterView& view);

/// CLUSTER SETSLOT for each of `slots`, with the same last words.
std::vector<core::Command> setslot_commands(const std::vector<std::uint32_t>& slots,
                                            const std::vector<std::string>& how);

/// CLUSTER BUMPEPOCH, and a PUBLISH to nobody: every message on the cluster bus says its sender's
/// epoch, and this one goes to all nodes at once. Gossip would take a second or two, on servers
/// that do not tell of the raise themselves. Whoever may not publish leaves it to gossip.
std::vector<core::Command> raise_epoch_commands();

/// Whether `reply` to `step` lets the plan go on: OK, or an error which says that it is so already.
/// What really became of it is seen by looking at the cluster again.
bool acceptable(const core::Step& step, const core::Reply& reply);

/// Says what of `step` does not show yet in what the nodes say; empty when it does, and for a step
/// that is no command to one node.
std::string missing_of(const core::Step& step, const core::ClusterView& view);

/// Says which nodes do not know each other yet; empty when all do.
std::string not_introduced(const core::ClusterView& view);

}  // namespace kredis::plugin
