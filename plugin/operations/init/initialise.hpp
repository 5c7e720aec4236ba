// SPDX-License-Identifier: Apache-2.0
//
// Turns ready Redis nodes into one cluster: observe, plan, apply, look again. Killed anywhere and
// run again, it finishes; run on a cluster that is whole, it changes nothing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/core/placement/placement.hpp"
#include "shared/observe/cluster.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Whether cluster-node-timeout may be shortened while a NEW cluster forms; see node_timeouts.hpp.
enum class FormQuickly { no, yes };

struct InitOptions {
  core::Shape shape;
  /// What redis.conf says of cluster-node-timeout; zero when it is not known.
  std::chrono::milliseconds configured_node_timeout{0};
  FormQuickly form_quickly = FormQuickly::yes;
  /// How long to wait for the replicas' first copies once the cluster serves.
  std::chrono::milliseconds link_time{10'000};
};

struct InitOutcome {
  core::ClusterView view;     ///< As it is now, asked in full.
  core::Placement placement;  ///< What was aimed at.
  bool changed = false;
};

/// `cluster` knows the pods; what Redis says is asked here. `kube`, for the bus-port diagnosis
/// only, may be null. Errors: those of core::plan_init; timeout (names who cannot reach whom on the
/// bus port, or what else is missing); conflict (a node refused a step); cancelled.
Result<InitOutcome> initialise(observe::Cluster& cluster,
                               ports::KubePort* kube,
                               const InitOptions& options,
                               const Conduct& conduct);

/// The positions of the members whose role or slots somebody does not know yet. Pure.
std::vector<std::size_t> misunderstood(const core::ClusterView& view);

/// Says what a cluster lacks to be whole: all answer, agree, and say cluster_state:ok with all
/// 16,384 slots served. Empty when it is. Pure.
std::string lacking(const core::ClusterView& view);

}  // namespace kredis::plugin
