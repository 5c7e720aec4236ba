// SPDX-License-Identifier: Apache-2.0
//
// What `kubectl redis doctor` found, as versioned JSON and as Prometheus' text. docs/doctor-json.md
// describes both.
#pragma once

#include <string>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/plans/plan_fix.hpp"
#include "shared/json/json.hpp"

namespace kredis::wire {

/// A finding, and what `fix` would do about it alone.
struct Diagnosis {
  core::Finding finding;
  core::FixPlan plan = {};
};

Json doctor_report(const core::ClusterView& view,
                   core::Health health,
                   const std::vector<Diagnosis>& diagnoses);

/// One family for findings, one for health, one for slots.
std::string doctor_metrics(const core::ClusterView& view,
                           core::Health health,
                           const std::vector<Diagnosis>& diagnoses);

}  // namespace kredis::wire
