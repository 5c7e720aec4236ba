// SPDX-License-Identifier: Apache-2.0
//
// Putting objects into the cluster by server-side apply, and saying what that changed.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/resource_path.hpp"
#include "plugin/terminal/progress.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

enum class Change { created, configured, unchanged };
std::string to_text(Change change);

struct Applied {
  ObjectName name;
  Change change = Change::unchanged;
  Json object = {};  ///< As the server keeps it.
};

/// Looks what is there already. Null for each object that is not.
/// Errors: conflict, naming every object of one of these names that is not cluster `name`'s.
Result<std::vector<Json>> look_for_namesakes(ports::KubePort& kube,
                                             const std::vector<Json>& objects,
                                             const std::string& name);

/// Applies in order; stops at the first that is refused. `before` is what look_for_namesakes gave.
Result<std::vector<Applied>> apply_objects(ports::KubePort& kube,
                                           const std::vector<Json>& objects,
                                           const std::vector<Json>& before,
                                           ports::DryRun dry_run,
                                           Progress& progress);

}  // namespace kredis::plugin
