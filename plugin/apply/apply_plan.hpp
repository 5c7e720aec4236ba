// SPDX-License-Identifier: Apache-2.0
//
// The engine: carries out plans, for Kubernetes and Redis alike, and looks between stages until
// what was done shows.
#pragma once

#include <functional>
#include <string>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Runs every stage of `plan`. What the plan works on must be in `site`. In a dry run the server
/// judges the objects, and steps that are not Kubernetes' to judge are passed over.
/// Errors: timeout (what does not show in time, and what was seen last), conflict (a node refused a
/// step, in its own words), cancelled, those of the connections. One without a hint gets that of
/// running the same command again.
Status apply_plan(Site& site, const core::Plan& plan, const Conduct& conduct);

/// Asks all nodes again and again, at a pace that suits their number, until `missing` has nothing
/// to say. Errors: as wait_until.
Status wait_until_seen(observe::Cluster& cluster,
                       const Conduct& conduct,
                       const std::function<std::string(const core::ClusterView&)>& missing,
                       observe::Ask ask = observe::Ask::topology);

}  // namespace kredis::plugin
