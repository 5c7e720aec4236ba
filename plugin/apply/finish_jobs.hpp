// SPDX-License-Identifier: Apache-2.0
//
// Moves of slots that the servers run while nobody watches them any more.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// Waits for the jobs that run already, whoever began them, and looks again at everything.
/// `cluster` was asked for everything. Returns whether there were any. Ends none of them.
/// Errors: conflict (one fails again and again), timeout and cancelled, which say how to end them.
Result<bool> finish_running_jobs(observe::Cluster& cluster, const Conduct& conduct);

}  // namespace kredis::plugin
