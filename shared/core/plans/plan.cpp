// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan.hpp"

#include <algorithm>

namespace kredis::core {

Risk worst_risk(const Plan& plan) {
  Risk worst = Risk::none;
  for (const Stage& stage : plan.stages) {
    for (const Step& step : stage.steps) {
      worst = std::max(worst, step.risk);
    }
  }
  return worst;
}

std::vector<std::string> costs_of(const Plan& plan) {
  std::vector<std::string> costs;
  const Risk worst = worst_risk(plan);
  for (const Stage& stage : plan.stages) {
    for (const Step& step : stage.steps) {
      const bool counts = step.risk == worst && worst != Risk::none && !step.cost.empty();
      if (counts && std::ranges::find(costs, step.cost) == costs.end()) {
        costs.push_back(step.cost);
      }
    }
  }
  return costs;
}

}  // namespace kredis::core
