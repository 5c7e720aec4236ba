// SPDX-License-Identifier: Apache-2.0
//
// Holding a plan up until a state is seen.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Errors: timeout (says what is missing and what to do), cancelled, those of the look.
Status carry_out(const core::WaitFor& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
