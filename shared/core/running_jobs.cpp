// SPDX-License-Identifier: Apache-2.0
#include "shared/core/running_jobs.hpp"

#include <algorithm>

namespace kredis::core {
namespace {

const std::string& pod_behind(const ClusterView& view, const NodeId& id) {
  const Member* member = view.by_id(id);
  return member == nullptr ? id.to_text() : member->pod.name;
}

}  // namespace

std::vector<RunningJob> running_jobs(const ClusterView& view) {
  std::vector<RunningJob> running;
  for (const Member& member : view.members) {
    for (const SlotJob& job : member.jobs) {
      running.push_back({.job = &job, .at = &member});
    }
  }
  return running;
}

std::optional<RunningJob> job_of(const ClusterView& view, const NodeId& node) {
  const auto running = running_jobs(view);
  const auto found = std::ranges::find_if(running, [&](const RunningJob& each) {
    return each.job->source == node || each.job->target == node;
  });
  return found == running.end() ? std::nullopt : std::optional(*found);
}

std::string job_text(const ClusterView& view, const RunningJob& running) {
  const SlotJob& job = *running.job;
  return "slots " + job.slots.to_text() + " from " + pod_behind(view, job.source) + " to " +
         pod_behind(view, job.target) + " (" + job.words + ")";
}

std::string cancel_command(const ClusterView& view, const RunningJob& running) {
  const bool at_source = running.at->server && job_end(*running.at->server) == JobEnd::source;
  return redis_cli_command(view,
                           running.at->pod.name,
                           at_source ? "CLUSTER CANCELSLOTMIGRATIONS"
                                     : "CLUSTER MIGRATION CANCEL ID " + running.job->id);
}

Error job_runs(const ClusterView& view, const RunningJob& running, const std::string& who) {
  return Error::unsafe("the servers move " + job_text(view, running) + ", and " + who)
      .with_hint("watch it: " + status_command(view) +
                 "; end it, and nothing of it has moved: " + cancel_command(view, running));
}

}  // namespace kredis::core
