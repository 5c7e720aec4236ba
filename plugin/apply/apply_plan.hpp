// SPDX-License-Identifier: Apache-2.0
//
// Carries out a plan on the Redis nodes: stage after stage, all pods in parallel, one pipeline a
// pod, looking at the cluster between stages until it shows what was done.
#pragma once

#include <functional>
#include <string>

#include "shared/core/plans/plan.hpp"
#include "shared/observe/ask_members.hpp"
#include "shared/observe/switchboard.hpp"

namespace kredis::plugin {

/// Hears how far an operation is. Calls come from the thread that runs it.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// A stage begins; the one before is done.
  virtual void stage(const std::string& title) = 0;
  /// The latest about the current stage, for example "4 of 6 nodes know each other".
  virtual void detail(const std::string& text) = 0;
};

/// What an operation that takes a while works with. `cancelled` is asked now and then.
struct Conduct {
  ports::Deadline deadline;
  ports::Deadline patience = ports::Deadline::max();  ///< When to stop waiting, if that is sooner.
  ProgressSink* progress = nullptr;
  std::function<bool()> cancelled = {};
};

/// When one exchange with the nodes must be over: a frozen node must not use up all the time. Never
/// sooner than in a second.
ports::Deadline call_deadline(const Conduct& conduct);

/// Runs every stage of `plan`. `view` is kept up to date with what the nodes say.
/// Errors: timeout (a stage that does not show in time: which, and what was seen last), conflict
/// (a node refused a step, in its own words; or it was cancelled), those of the connections.
Status apply_plan(observe::Switchboard& switchboard,
                  core::ClusterView& view,
                  const core::Plan& plan,
                  const Conduct& conduct);

/// Looks (at the topology, unless `ask` wants more) again and again, at a pace that suits the
/// number of nodes, until `settled`. `settled` says what is still missing, or returns an empty
/// text. Errors: timeout (with the last text), conflict (cancelled).
Status wait_until(observe::Switchboard& switchboard,
                  core::ClusterView& view,
                  const Conduct& conduct,
                  const std::function<std::string(const core::ClusterView&)>& settled,
                  observe::Ask ask = observe::Ask::topology);

/// Says which nodes do not know each other yet; empty when all do. Pure.
std::string strangers(const core::ClusterView& view);

}  // namespace kredis::plugin
