// SPDX-License-Identifier: Apache-2.0
//
// Function libraries, which every master has of its own.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// FUNCTION DUMP of the one, FUNCTION RESTORE on the other, whose replicas hear of it by
/// themselves. Errors: unreachable, and what the servers refuse.
Status carry_out(const core::CopyFunctions& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
