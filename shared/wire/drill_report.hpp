// SPDX-License-Identifier: Apache-2.0
//
// A drill as versioned JSON: what `kubectl redis failover drill -o json` prints.
// docs/drill-json.md describes it for its readers; nothing is renamed or removed within one
// apiVersion.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "shared/core/plans/plan_drill.hpp"
#include "shared/json/json.hpp"
#include "shared/wire/probe_tally.hpp"

namespace kredis::wire {

/// How a drill takes a master away.
enum class DrillStrike {
  delete_pod,  ///< As `kubectl delete pod` does, with its preStop hook and grace period.
  freeze,      ///< Its Redis hangs, connections open, until the others have given it up.
};

/// "delete" or "freeze".
std::string to_text(DrillStrike strike);

/// When the cluster was how far, since the strike; nothing where it never was.
struct DrillTimes {
  std::optional<std::chrono::milliseconds> suspected = {};
  std::optional<std::chrono::milliseconds> detected = {};
  std::optional<std::chrono::milliseconds> promoted = {};
  std::optional<std::chrono::milliseconds> healed = {};
};

/// What the probe saw on the victim's slots and on others, and what it read back at the end.
struct ProbeResult {
  ProbeTally victim = {};
  ProbeTally others = {};
  std::chrono::milliseconds struck_at{0};        ///< Since the probe began.
  std::optional<std::int64_t> lost_writes = {};  ///< Nothing where they could not be read back.
};

struct DrillReport {
  std::string name;
  std::string namespace_;
  DrillStrike strike = DrillStrike::delete_pod;
  core::Drill drill;
  bool dry_run = false;
  DrillTimes times = {};
  std::optional<core::NodeId> heir = {};
  std::string heir_pod = {};
  std::string missing = {};  ///< What is still missing; empty when healed.
  ProbeResult probe = {};
};

/// Writes a FailoverDrill.
Json drill_report(const DrillReport& report);

}  // namespace kredis::wire
