// SPDX-License-Identifier: Apache-2.0
//
// Hands masters over to replicas: observe, plan, apply, and wait until every node shows the new
// roles and the old masters follow in sync.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "plugin/apply/apply_plan.hpp"
#include "shared/core/plans/plan_failover.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

struct FailoverOptions {
  core::FailoverWish wish;
  /// Hears what is about to happen, before anything does; an error stops it.
  std::function<Status(const core::Plan&)> agree = {};
};

struct FailoverOutcome {
  core::ClusterView view;  ///< As it is now, asked in full.
  std::vector<core::HandOver> hand_overs;
  std::vector<std::string> silent;  ///< Pods that did not answer before, so nobody waited for them.
  std::chrono::milliseconds took{0};
};

/// `cluster` knows the pods; what Redis says is asked here. Killed anywhere, the next run for the
/// same master, node or zone does what is left.
/// Errors: those of core::plan_hand_overs and of `agree`; conflict (the nodes do not agree who is
/// whose master, or a replica refused); timeout (names the pod and what it lacks); cancelled.
Result<FailoverOutcome> fail_over(observe::Cluster& cluster,
                                  const FailoverOptions& options,
                                  const Conduct& conduct);

}  // namespace kredis::plugin
