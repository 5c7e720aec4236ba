// SPDX-License-Identifier: Apache-2.0
//
// Asking before a plan is carried out: in one place, by the plan's worst risk.
#pragma once

#include <string>

#include "plugin/terminal/session.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Whether --yes was given.
enum class Ask { yes, no };

/// Shows what may be lost, if anything, and asks: nothing without a risk, y or n where availability
/// is at stake, `name` typed in full where data is. With Ask::no it only shows.
/// Errors: unsafe (it was not confirmed, or there is no terminal to ask on: nothing was done).
Status agree(Session& session, const core::Plan& plan, const std::string& name, Ask ask);

/// The same for what is no plan of steps: its risk, and what it may take away, in lines.
Status agree(
    Session& session, core::Risk risk, const std::string& costs, const std::string& name, Ask ask);

}  // namespace kredis::plugin
