// SPDX-License-Identifier: Apache-2.0
//
// One restart of a pod, for every verb that restarts some.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::plugin {

/// Deletes the pod and waits until the cluster is whole again with the next one. Whether it had to
/// hand over first is the plan's concern.
/// Errors: timeout (says what is missing), cancelled, those of the server.
Status carry_out(const core::RestartPod& step, Site& site, const Conduct& conduct);

}  // namespace kredis::plugin
