// SPDX-License-Identifier: Apache-2.0
//
// A plan: stages of steps, and what is said of it before anything is done.
#pragma once

#include <string>
#include <vector>

#include "shared/core/plans/step.hpp"

namespace kredis::core {

/// Stages run one after the other, with a look at the cluster between. Within a stage, commands to
/// the nodes of different pods do not wait for another (those of one pod are one pipeline, in the
/// order given); every other step waits for the one before.
struct Stage {
  std::string title;
  std::vector<Step> steps;
  std::string done = {};  ///< What is said when it is over; empty for a part of something larger.
};

struct Plan {
  std::vector<Stage> stages = {};
  bool empty() const noexcept { return stages.empty(); }
};

/// The worst of all steps'.
Risk worst_risk(const Plan& plan);

/// What the steps of the worst risk cost, a sentence each, none twice; empty without a risk.
std::vector<std::string> costs_of(const Plan& plan);

}  // namespace kredis::core
