// SPDX-License-Identifier: Apache-2.0
//
// Steps of a plan as Redis commands, and which error replies only say that a step was done before.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

/// One command and the step that it is for.
struct StepCommand {
  const core::Step* step = nullptr;
  core::Command command;
};

/// The pod that `step` is carried out on.
const std::string& pod_of(const core::Step& step);

/// Writes `step` in the words that the pod's server version knows.
/// Errors: internal (a pod that is not a member), unreachable (the other pod has no address).
Result<core::Command> command_for(const core::Step& step, const core::ClusterView& view);

/// Whether `reply` to `step` lets the plan go on: OK, or an error which says that it is so already.
/// What really became of it is seen by looking at the cluster again.
bool acceptable(const core::Step& step, const core::Reply& reply);

}  // namespace kredis::plugin
