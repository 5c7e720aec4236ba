// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan.hpp"

namespace kredis::core {
namespace {

struct StepText {
  std::string operator()(const Meet& step) const { return "meet " + step.pod + " " + step.other; }
  std::string operator()(const AddSlots& step) const {
    return "add_slots " + step.pod + " " + step.slots.to_text();
  }
  std::string operator()(const SetEpoch& step) const {
    return "set_epoch " + step.pod + " " + std::to_string(step.epoch);
  }
  std::string operator()(const Replicate& step) const {
    return "replicate " + step.pod + " " + step.master_pod;
  }
  std::string operator()(const Failover& step) const {
    const char* how = step.how == TakeOver::in_step ? ""
                      : step.how == TakeOver::force ? " force"
                                                    : " takeover";
    return "failover " + step.pod + " " + step.master_pod + how;
  }
};

}  // namespace

std::string to_text(const Step& step) { return std::visit(StepText{}, step.what); }

}  // namespace kredis::core
