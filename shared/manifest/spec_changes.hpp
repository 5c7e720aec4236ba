// SPDX-License-Identifier: Apache-2.0
//
// What differs between the cluster that is there and the one that is asked for: old and new, what
// it risks, and what is not done unless it is said in words. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/core/plans/step.hpp"
#include "shared/core/result.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

struct SpecChange {
  std::string what;  ///< The flag without its dashes, or the setting of redis.conf.
  std::string before;
  std::string after;
  core::Risk risk = core::Risk::none;
  std::string cost = {};  ///< A sentence; empty without a risk.
  std::string word = {};  ///< What --allow must say; empty where nothing need be said.
};

/// In the order of create's flags; empty where nothing differs.
std::vector<SpecChange> changes_between(const ClusterSpec& before, const ClusterSpec& after);

/// What create does not do to a cluster that is there, whatever is allowed: its shape, its layout,
/// its storage. Errors: conflict, with the verb that does it, or the flags that go on with it.
Status check_fixed(const ClusterSpec& before, const ClusterSpec& after);

/// What --allow takes.
std::vector<std::string> allowable();

}  // namespace kredis::manifest
