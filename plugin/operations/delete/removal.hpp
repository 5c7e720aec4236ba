// SPDX-License-Identifier: Apache-2.0
//
// Taking a cluster away again: which objects go, which stay, and what would be lost with them.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/resource_path.hpp"
#include "plugin/terminal/progress.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

enum class KeepData { no, yes };

struct Removal {
  std::vector<ObjectName> goes;   ///< In the order of removal.
  std::vector<ObjectName> stays;  ///< Claims and volumes that hold the data.
  bool loses_data = false;
  std::string loss = {};  ///< What would be lost, for the question.
};

/// Finds what belongs to cluster `name` by its labels. Reads only.
Result<Removal> plan_removal(ports::KubePort& kube,
                             const std::string& namespace_,
                             const std::string& name,
                             KeepData keep);

/// Asks whether all of it may be removed, so that nothing is left half gone.
/// Errors: unauthorized, with the rules to add.
Status require_removal_rights(ports::KubePort& kube,
                              const std::string& namespace_,
                              const Removal& removal);

/// Removes in order and waits until the cluster's pods are gone. What is gone already is fine.
/// Errors: timeout (names the pods that are left).
Status remove_objects(ports::KubePort& kube,
                      const Removal& removal,
                      ports::DryRun dry_run,
                      ports::Deadline deadline,
                      Progress& progress);

}  // namespace kredis::plugin
