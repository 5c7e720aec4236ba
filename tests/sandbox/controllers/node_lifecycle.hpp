// SPDX-License-Identifier: Apache-2.0
//
// Nodes that fall silent: their leases, Ready condition, taints, and what becomes of their pods.
#pragma once

#include <map>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Watches the nodes' agents from pass to pass.
class NodeLifecycle {
 public:
  void reconcile(Context& context);

 private:
  void look_at(Context& context, const Json& node);
  std::map<std::string, TimePoint> last_answer_;
};

/// Deletes pods whose Node object is gone.
void collect_orphaned_pods(Context& context);

}  // namespace kredis::sandbox
