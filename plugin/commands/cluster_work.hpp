// SPDX-License-Identifier: Apache-2.0
//
// What several verbs do with a located cluster: look at it, initialise it, show it.
#pragma once

#include "plugin/apply/apply_plan.hpp"
#include "plugin/terminal/session.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/observe/locate.hpp"

namespace kredis::plugin {

/// Shows an operation's progress as a stage with one line below.
class StageProgress : public ProgressSink {
 public:
  explicit StageProgress(Progress& progress) : progress_(progress) {}
  void stage(const std::string& title) override { progress_.line("", title); }
  void detail(const std::string& text) override { progress_.line("", text); }

 private:
  Progress& progress_;
};

/// Asks Kubernetes and every Redis node. Errors: those of either.
Result<core::ClusterView> look_at(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  ports::Deadline deadline);

/// Makes one cluster of the located pods and verifies it. A shape of 0 masters means: what the
/// workload's annotations say, else what the number of pods suggests with `replicas` each.
Result<core::ClusterView> initialise_cluster(Session& session,
                                             const observe::Located& located,
                                             const observe::RedisAccess& access,
                                             core::Shape shape,
                                             ports::Deadline deadline);

/// Prints what initialise_cluster would do.
Result<ExitStatus> show_init_plan(Session& session,
                                  const observe::Located& located,
                                  const observe::RedisAccess& access,
                                  core::Shape shape,
                                  ports::Deadline deadline);

/// Prints the status of several clusters, a line each.
ExitStatus show_statuses(Session& session, std::vector<core::ClusterView> views, Output output);

/// Prints the status as -o asks. The exit status is `refused` with a finding of severity error.
ExitStatus show_status(Session& session, core::ClusterView view, Output output);

}  // namespace kredis::plugin
