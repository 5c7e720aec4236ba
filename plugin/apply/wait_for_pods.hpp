// SPDX-License-Identifier: Apache-2.0
//
// Waiting until a cluster's pods are ready: one live line a pod, with the reason where one is
// stuck.
#pragma once

#include <map>
#include <string>

#include "plugin/terminal/progress.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

struct PodWait {
  std::string namespace_;
  std::string label_selector;
  int count = 0;  ///< Pods to wait for.
  ports::Deadline deadline;
  std::string workload = {};  ///< What makes the pods, as Names::workload; empty: nothing does.
};

/// Errors: timeout, naming each pod that is not ready, why, and the last lines of its log where it
/// crashed; and why pods that are missing were not made.
Status wait_for_pods(ports::KubePort& kube, const PodWait& wait, Progress& progress);

}  // namespace kredis::plugin
