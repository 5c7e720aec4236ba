// SPDX-License-Identifier: Apache-2.0
//
// Chooses a node for a pod as kube-scheduler's default plugins do: filters with Kubernetes' own
// reasons, then weighted scores. Ties go to the node with the fewest pods, then by name, so that a
// test sees the same placement each time. Preemption is not done.
// https://kubernetes.io/docs/concepts/scheduling-eviction/
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

struct SchedulerView {
  Objects nodes;
  Objects pods;  ///< All pods; those without a node and finished ones do not count.
  Objects namespaces;
  Objects claims;
  Objects volumes;
  Objects classes;
};

/// Where a pod goes; with an empty `node`, `message` says why nowhere.
struct Verdict {
  std::string node;
  std::string message;
};

/// Pure. The message is worded as kube-scheduler's.
Verdict schedule(const Json& pod, const SchedulerView& view);

/// Gives every pod that waits a node, or the condition PodScheduled=False and an event.
void reconcile_scheduler(Context& context);

}  // namespace kredis::sandbox
