// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/plan_text.hpp"

namespace kredis::plugin {

std::string render_plan(const core::Plan& plan) {
  std::string text;
  std::string title;
  for (const core::Stage& stage : plan.stages) {
    if (stage.title != title) {
      text += stage.title + "\n";
      title = stage.title;
    }
    for (const core::Step& step : stage.steps) {
      text += "  " + core::to_text(step) + (step.reason.empty() ? "" : "  # " + step.reason) + "\n";
    }
  }
  return text;
}

std::string render_costs(const core::Plan& plan) {
  std::string text;
  for (const std::string& cost : core::costs_of(plan)) {
    text += cost + "\n";
  }
  return text;
}

}  // namespace kredis::plugin
