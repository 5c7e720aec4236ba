// SPDX-License-Identifier: Apache-2.0
//
// A drill: writes and reads, takes a master away, and watches until the cluster is whole again.
#pragma once

#include <functional>
#include <string>

#include "plugin/apply/conduct.hpp"
#include "plugin/operations/failover/drill_strike.hpp"
#include "shared/core/plans/plan_drill.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/wire/drill_report.hpp"

namespace kredis::plugin {

struct DrillScene {
  ports::RedisPort& redis;
  std::function<Result<core::ClusterView>()>
      pods;  ///< The pods as they are now; Redis is not asked.
  Strike& strike;
  std::string run;  ///< Part of the probe's keys, so that no other run has the same.
};

struct DrillOutcome {
  wire::DrillTimes times = {};
  std::optional<core::NodeId> heir = {};
  std::string heir_pod = {};
  std::string missing = {};  ///< What is missing at the end of patience; empty when healed.
  wire::ProbeResult probe = {};
};

/// `view` is what `drill` was planned from. Not to heal in time is an outcome, not an error.
/// Errors: unsafe (the probe could not write and read before anything was done), cancelled,
/// those of the strike.
Result<DrillOutcome> run_drill(const DrillScene& scene,
                               const core::Drill& drill,
                               const core::ClusterView& view,
                               const Conduct& conduct);

}  // namespace kredis::plugin
