// SPDX-License-Identifier: Apache-2.0
//
// Steps that are asked of Kubernetes: an object applied, a workload scaled, an object deleted.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/object_name.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Each of these does it, says so as one line of progress and adds it to what was applied.
/// Errors: those of the server, within what was being done.
Status carry_out(const core::ApplyObject& step, Site& site, const Conduct& conduct);
Status carry_out(const core::ScaleWorkload& step, Site& site, const Conduct& conduct);
Status carry_out(const core::DeleteObject& step, Site& site, const Conduct& conduct);

/// What is there at each object's name now; null where nothing is. Asks for all at once.
Result<std::vector<Json>> look_for(ports::KubePort& kube, const std::vector<Json>& objects);

/// The steps that make `objects` what they say, in their order; `before` is what look_for gave, or
/// empty where nobody looked.
std::vector<core::Step> steps_to_apply(const std::vector<Json>& objects,
                                       const std::vector<Json>& before);

/// How the server's answer to an apply differs from what was there before (null: nothing).
Change change_between(const Json& before, const Json& after);

}  // namespace kredis::plugin
