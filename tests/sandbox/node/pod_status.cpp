// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/pod_status.hpp"

#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::string_view k_unready = "ContainersNotReady";

std::string names_of_unready(const Json& statuses) {
  std::string names;
  for (const Json& status : statuses) {
    if (!true_at(status, "ready")) {
      names += (names.empty() ? "" : " ") + text_at(status, "name");
    }
  }
  return names;
}

bool gates_are_open(const Json& pod) {
  for (const Json& gate : at(pod, "spec.readinessGates")) {
    if (!condition_is_true(pod, text_at(gate, "conditionType"))) {
      return false;
    }
  }
  return true;
}

Condition readiness(const std::string& type, const PodReport& report, bool gates_open) {
  if (report.phase == "Succeeded") {
    return {type, "False", "PodCompleted"};
  }
  const std::string unready = names_of_unready(report.container_statuses);
  if (report.phase == "Failed") {
    return {type, "False", "PodFailed"};
  }
  if (!unready.empty() || report.container_statuses.empty() || !report.initialized) {
    return {
        type, "False", std::string(k_unready), "containers with unready status: [" + unready + "]"};
  }
  if (!gates_open) {
    return {type, "False", "ReadinessGatesNotReady", "a readiness gate of the pod is not met"};
  }
  return {type, "True"};
}

std::string quality_of_service(const Json& pod) {
  bool any = false;
  bool all = true;
  for (const Json& container : at(pod, "spec.containers")) {
    const Json& requests = at(container, "resources.requests");
    const Json& limits = at(container, "resources.limits");
    any = any || !requests.empty() || !limits.empty();
    all = all && limits.contains("cpu") && limits.contains("memory") &&
          (requests.empty() || requests == limits);
  }
  return any ? (all ? "Guaranteed" : "Burstable") : "BestEffort";
}

}  // namespace

void write_report(Json& pod, const PodReport& report, std::chrono::system_clock::time_point now) {
  Json& status = pod["status"];
  status["phase"] = report.phase;
  status["startTime"] = report.start_time;
  status["hostIP"] = report.node_address;
  status["hostIPs"] = Json::array({{{"ip", report.node_address}}});
  status["qosClass"] = quality_of_service(pod);
  if (report.pod_address.empty()) {
    status.erase("podIP");
    status.erase("podIPs");
  } else {
    status["podIP"] = report.pod_address;
    status["podIPs"] = Json::array({{{"ip", report.pod_address}}});
  }
  status["containerStatuses"] = report.container_statuses;
  if (!report.init_statuses.empty()) {
    status["initContainerStatuses"] = report.init_statuses;
  }
  const bool has_sandbox = !report.pod_address.empty();
  set_condition(pod, {"PodReadyToStartContainers", has_sandbox ? "True" : "False"}, now);
  set_condition(pod,
                report.initialized ? Condition{"Initialized", "True"}
                                   : Condition{"Initialized",
                                               "False",
                                               "ContainersNotInitialized",
                                               "containers with incomplete status: [" +
                                                   names_of_unready(report.init_statuses) + "]"},
                now);
  set_condition(pod, readiness("ContainersReady", report, true), now);
  set_condition(pod, readiness("Ready", report, gates_are_open(pod)), now);
}

}  // namespace kredis::sandbox
