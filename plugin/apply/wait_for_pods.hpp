// SPDX-License-Identifier: Apache-2.0
//
// Waiting until a cluster's pods are ready: one live line a pod, with the reason where one is
// stuck.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "shared/core/plans/step.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Errors: timeout, naming each pod that is not ready, why, and the last lines of its log where it
/// crashed; and why pods that are missing were not made; cancelled.
Status wait_for_pods(ports::KubePort& kube, const core::PodsReady& wait, const Conduct& conduct);

}  // namespace kredis::plugin
