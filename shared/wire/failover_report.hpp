// SPDX-License-Identifier: Apache-2.0
//
// Hand-overs as versioned JSON: what `kubectl redis failover -o json` prints. docs/failover-json.md
// describes it for its readers; nothing is renamed or removed within one apiVersion.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "shared/core/plans/plan_failover.hpp"
#include "shared/json/json.hpp"

namespace kredis::wire {

struct FailoverReport {
  std::string name;
  std::string namespace_;
  std::vector<core::HandOver> hand_overs = {};
  std::vector<std::string> silent = {};
  std::chrono::milliseconds took{0};
  bool dry_run = false;
};

/// "in-step", "force" or "takeover".
std::string to_text(core::TakeOver how);

/// Writes a Failover.
Json failover_report(const FailoverReport& report);

}  // namespace kredis::wire
