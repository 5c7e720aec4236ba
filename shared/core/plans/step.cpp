// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/step.hpp"

namespace kredis::core {
namespace {

std::string settings_text(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& each : settings) {
    text += " " + each.name + " " + (each.secret ? "(secret)" : each.value);
  }
  return text;
}

struct StepText {
  std::string operator()(const Meet& step) const { return "meet " + step.pod + " " + step.other; }
  std::string operator()(const AddSlots& step) const {
    return "add_slots " + step.pod + " " + step.slots.to_text();
  }
  std::string operator()(const SetEpoch& step) const {
    return "set_epoch " + step.pod + " " + std::to_string(step.epoch);
  }
  std::string operator()(const BumpEpoch& step) const { return "bump_epoch " + step.pod; }
  std::string operator()(const Replicate& step) const {
    return "replicate " + step.pod + " " + step.master_pod;
  }
  std::string operator()(const Failover& step) const {
    const char* how = step.how == TakeOver::in_step ? ""
                      : step.how == TakeOver::force ? " force"
                                                    : " takeover";
    return "failover " + step.pod + " " + step.master_pod + how;
  }
  std::string operator()(const Forget& step) const {
    return "forget " + step.pod + " " +
           (step.node_pod.empty() ? step.node.short_text() : step.node_pod);
  }
  std::string operator()(const Reset& step) const {
    return std::string(step.empties ? "empty_and_reset " : "reset ") +
           (step.kind == ResetKind::hard ? "hard " : "soft ") + step.pod;
  }
  std::string operator()(const ClaimSlots& step) const {
    return "claim_slots " + step.pod + " " + step.slots.to_text();
  }
  std::string operator()(const StabiliseSlots& step) const {
    return "stabilise_slots " + step.pod + " " + step.slots.to_text();
  }
  std::string operator()(const AssignSlots& step) const {
    return "assign_slots " + step.pod + " " + step.node_pod + " " + step.slots.to_text();
  }
  std::string operator()(const SetConfig& step) const {
    return "set_config " + step.pod + settings_text(step.settings);
  }
  std::string operator()(const CopyFunctions& step) const {
    return "copy_functions " + step.pod + " " + step.from_pod;
  }
  std::string operator()(const MoveSlots& step) const {
    return "move_slots " + step.pod + " " + step.target_pod + " " + step.slots.to_text() +
           (step.way == MoveWay::atomic ? " atomically" : "");
  }
  std::string operator()(const ReturnKeys& step) const {
    return "return_keys " + step.pod + " " + step.owner_pod + " " + step.slots.to_text();
  }
  std::string operator()(const ApplyObject& step) const { return "apply " + step.object.to_text(); }
  std::string operator()(const ScaleWorkload& step) const {
    return "scale " + step.workload.to_text() + " " + std::to_string(step.replicas);
  }
  std::string operator()(const RestartPod& step) const { return "restart " + step.pod; }
  std::string operator()(const DeleteObject& step) const {
    return "delete " + step.object.to_text();
  }
  std::string operator()(const WaitFor& step) const { return "wait " + to_text(step.state); }
};

struct StateText {
  std::string operator()(const PodsReady& state) const {
    return std::to_string(state.count) + (state.count == 1 ? " pod is ready" : " pods are ready");
  }
  std::string operator()(const RolledOut& state) const {
    return state.workload.to_text() + " is rolled out";
  }
  std::string operator()(const Gone& state) const { return state.object.to_text() + " is gone"; }
  std::string operator()(const FieldSet& state) const { return state.meaning; }
  std::string operator()(const ClusterWhole&) const { return "the cluster is whole"; }
};

}  // namespace

std::string to_text(const Step& step) { return std::visit(StepText{}, step.what); }

std::string to_text(const State& state) { return std::visit(StateText{}, state); }

std::string to_text(Risk risk) {
  switch (risk) {
    case Risk::none:
      return "none";
    case Risk::availability:
      return "availability";
    case Risk::data:
      break;
  }
  return "data";
}

std::string pod_of(const Step& step) {
  return std::visit(Overload{[](const ApplyObject&) { return std::string(); },
                             [](const ScaleWorkload&) { return std::string(); },
                             [](const DeleteObject&) { return std::string(); },
                             [](const WaitFor&) { return std::string(); },
                             [](const Meet& what) { return what.pod; },
                             [](const AddSlots& what) { return what.pod; },
                             [](const SetEpoch& what) { return what.pod; },
                             [](const BumpEpoch& what) { return what.pod; },
                             [](const Replicate& what) { return what.pod; },
                             [](const Failover& what) { return what.pod; },
                             [](const Forget& what) { return what.pod; },
                             [](const Reset& what) { return what.pod; },
                             [](const ClaimSlots& what) { return what.pod; },
                             [](const StabiliseSlots& what) { return what.pod; },
                             [](const AssignSlots& what) { return what.pod; },
                             [](const SetConfig& what) { return what.pod; },
                             [](const CopyFunctions& what) { return what.pod; },
                             [](const MoveSlots& what) { return what.pod; },
                             [](const ReturnKeys& what) { return what.pod; },
                             [](const RestartPod& what) { return what.pod; }},
                    step.what);
}

}  // namespace kredis::core
