// SPDX-License-Identifier: Apache-2.0
//
// From the objects of a cluster back to the description that they were made of, so that what is not
// said anew stays as it is: whoever made or changed them, and with whichever version.
#pragma once

#include <string>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// What there is of a cluster; null where there is nothing, or nobody may see it.
struct Existing {
  Json workload = {};  ///< The StatefulSet, or the first node's Deployment.
  Json config_map = {};
  Json access_service = {};
  Json claim = {};   ///< The first node's, where each has a Deployment.
  Json volume = {};  ///< The first node's, of --nfs-server.
};

/// Reads it. What is not there is as `create` would make it. Never fails: hostile objects read as
/// defaults, which the changes between two descriptions then show.
ClusterSpec read_spec(const Existing& there,
                      const std::string& name,
                      const std::string& namespace_);

/// What of a redis.conf of ours somebody chose: the text after "From --config:", and settings, from
/// "From --set:" and from lines of ours that have another value than `create` would write.
void read_configuration(const std::string& text, ClusterSpec& spec);

}  // namespace kredis::manifest
