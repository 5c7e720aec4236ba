// SPDX-License-Identifier: Apache-2.0
//
// What `create` makes sure of before it changes anything: that the namespace exists, that it is
// allowed, that names are free, and that storage, quota and nodes are enough for what was asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugin/terminal/progress.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// What there is, as far as this user may see it; nothing where he may not.
struct Resources {
  std::optional<std::vector<Json>> storage_classes = {};
  std::optional<std::vector<Json>> volumes = {};
  std::optional<std::vector<Json>> nodes = {};
  std::optional<std::vector<Json>> quotas = {};
  std::optional<std::vector<Json>> claims = {};  ///< In the cluster's namespace.
};

/// Each judges one thing. Pure. Errors: conflict, with what to do instead.
Status judge_storage(const manifest::ClusterSpec& spec, const Resources& there);
Status judge_nodes(const manifest::ClusterSpec& spec, const Resources& there);
Status judge_quota(const manifest::ClusterSpec& spec, const Resources& there);

/// Does all of it. Returns what is at the objects' names now, as look_for gives it.
Result<std::vector<Json>> preflight(ports::KubePort& kube,
                                    const manifest::ClusterSpec& spec,
                                    const std::vector<Json>& objects,
                                    Progress& progress);

/// Whether there is room for `more` pods of a cluster that is there and is to be as `spec` says.
Status check_room_for(ports::KubePort& kube, const manifest::ClusterSpec& spec, int more);

}  // namespace kredis::plugin
