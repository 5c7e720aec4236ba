// SPDX-License-Identifier: Apache-2.0
//
// Holding a plan up until a state is seen.
#pragma once

#include <string>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Looks, and says what keeps the cluster from being whole; empty when nothing does. What may pass
/// by waiting is a text, too. Errors: unauthorized (a node does not let us in: no waiting mends
/// it).
Result<std::string> look_for_whole(observe::Cluster& cluster, const Conduct& conduct);

/// Errors: timeout (says what is missing and what to do), cancelled, those of the look.
Status carry_out(const core::WaitFor& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
