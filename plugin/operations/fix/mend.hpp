// SPDX-License-Identifier: Apache-2.0
//
// Mends what is wrong with a cluster, round by round: look, plan, ask, apply, look again. Killed
// anywhere and run again, it plans from what is there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan_fix.hpp"

namespace kredis::plugin {

struct MendOptions {
  core::FixWish wish = {};
  /// Hears each plan before anything of it is done; an error stops it.
  std::function<Status(const core::Plan&)> agree = {};
};

struct Mended {
  core::ClusterView view = {};              ///< As it is now, asked in full.
  std::vector<core::Plan> plans = {};       ///< What was done.
  std::vector<core::Refusal> refused = {};  ///< What could be mended, and was not.
};

/// The next round: what there is to do now, and by which look. Waits a few seconds first for what
/// passes by itself.
Result<core::FixPlan> next_round(Site& site, const core::FixWish& wish, const Conduct& conduct);

/// Rounds until nothing is left that may be mended, or nothing changes any more.
/// Errors: those of `agree` and of the steps; cancelled.
Result<Mended> mend(Site& site, const MendOptions& options, const Conduct& conduct);

}  // namespace kredis::plugin
