// SPDX-License-Identifier: Apache-2.0
//
// Taking a cluster away again: which objects go, which stay, and what would be lost with them.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/object_name.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

enum class KeepData { no, yes };

struct Removal {
  std::vector<core::ObjectName> goes;   ///< In the order of removal.
  std::vector<core::ObjectName> stays;  ///< Claims and volumes that hold the data.
  std::string loss = {};  ///< What would be lost for good, in a sentence; empty when nothing.
};

/// Finds what belongs to cluster `name` by its labels. Reads only.
Result<Removal> find_removal(ports::KubePort& kube,
                             const std::string& namespace_,
                             const std::string& name,
                             KeepData keep);

/// The removal as steps: in order, and then a wait until the cluster's pods are gone.
core::Plan plan_removal(const Removal& removal);

/// Asks whether all of it may be removed, so that nothing is left half gone.
/// Errors: unauthorized, with the rules to add.
Status require_removal_rights(ports::KubePort& kube,
                              const std::string& namespace_,
                              const Removal& removal);

}  // namespace kredis::plugin
