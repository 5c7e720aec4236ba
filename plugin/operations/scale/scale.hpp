// SPDX-License-Identifier: Apache-2.0
//
// From one shape of a cluster to another, on the running servers.
#pragma once

#include <optional>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "plugin/operations/scale/pods.hpp"
#include "shared/core/plans/plan_scale.hpp"

namespace kredis::plugin {

struct ScaleOptions {
  std::optional<std::uint32_t> masters = {};   ///< Nothing: as many as there are.
  std::optional<std::uint32_t> replicas = {};  ///< The same.
  core::WayWish way = {};
  KeepData keep = KeepData::yes;
};

/// What it takes, and from what: nothing is changed.
struct ScaleOutlook {
  core::Shape shape = {};
  PodsPlan pods = {};
  core::ScaleWish wish = {};
  core::Plan plan = {};  ///< All of it, for people; what is done is planned from what is seen then.
};

/// Looks and judges. Errors: those of plan_pods, check_scale and check_room; conflict (a replica is
/// not in step and does not come to be).
Result<ScaleOutlook> look_and_plan_scale(Site& site,
                                         const ScaleOptions& options,
                                         const Conduct& conduct);

/// The pods first: asks for those that are to come, and waits until they are ready.
Status make_pods(Site& site, const ScaleOutlook& outlook, const Conduct& conduct);

/// The nodes, in rounds: one stage, a look, a plan of the rest; then pods that are too many go.
/// Killed anywhere and planned again, it goes on from what the cluster says. `site` knows all pods.
/// Errors: those of the outlook, of a stage that fails again and again, cancelled.
Status change_shape(Site& site, const ScaleOutlook& outlook, KeepData keep, const Conduct& conduct);

}  // namespace kredis::plugin
