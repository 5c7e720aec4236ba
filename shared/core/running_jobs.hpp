// SPDX-License-Identifier: Apache-2.0
//
// The moves of slots that servers run themselves, as a look at the cluster shows them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// The jobs that the servers run, with who answers for each: somebody began them, and they go on
/// when that one is gone. The pointers lead into `view`.
struct RunningJob {
  const SlotJob* job = nullptr;
  const Member* at = nullptr;
};
std::vector<RunningJob> running_jobs(const ClusterView& view);

/// The job that the node with this id is an end of; nothing where there is none.
std::optional<RunningJob> job_of(const ClusterView& view, const NodeId& node);

/// "slots 0-99 from redis-app-0 to redis-app-1 (snapshotting)", for people.
std::string job_text(const ClusterView& view, const RunningJob& running);

/// The command that ends it: nothing of it has moved then.
std::string cancel_command(const ClusterView& view, const RunningJob& running);

/// What `who` cannot do while `running` runs, how to see it, and how to end it.
Error job_runs(const ClusterView& view, const RunningJob& running, const std::string& who);

}  // namespace kredis::core
