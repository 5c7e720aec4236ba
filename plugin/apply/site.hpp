// SPDX-License-Identifier: Apache-2.0
//
// What a plan is carried out on, and what came of it.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/move_pace.hpp"
#include "shared/core/object_name.hpp"
#include "shared/json/json.hpp"
#include "shared/observe/cluster.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

enum class Change { created, configured, unchanged, deleted };
/// "created", "configured", ...
std::string to_text(Change change);

/// What became of one object.
struct Applied {
  core::ObjectName name;
  Change change = Change::unchanged;
  Json object = {};  ///< As the server keeps it; null when it was deleted.
};

struct Site {
  ports::KubePort* kube = nullptr;      ///< Null where a plan asks nothing of Kubernetes.
  observe::Cluster* cluster = nullptr;  ///< Null where a plan asks nothing of nodes.
  /// On the server: it judges each object and keeps none, and nothing else is done.
  ports::DryRun dry_run = ports::DryRun::no;
  MoveLimits limits = {};             ///< For slots that move.
  std::vector<Applied> applied = {};  ///< In the order in which it was done.
};

}  // namespace kredis::plugin
