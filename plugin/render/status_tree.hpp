// SPDX-License-Identifier: Apache-2.0
//
// A cluster on the screen: health in a line, a tree master -> replicas, what would be lost with
// each node and zone, and findings with the command that mends each. No I/O.
#pragma once

#include <string>
#include <vector>

#include "plugin/terminal/text_style.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/survival.hpp"

namespace kredis::plugin {

/// Everything that a status screen shows, computed once.
struct StatusPicture {
  core::ClusterView view;
  std::vector<core::Finding> findings;
  core::Survival survival;
  core::Health health = core::Health::ok;
};

StatusPicture picture_of(core::ClusterView view);

enum class Detail { normal, wide };

std::string render_status(const StatusPicture& picture, const TextStyle& style, Detail detail);

/// One line a cluster, for -A.
std::string render_status_table(const std::vector<StatusPicture>& pictures, const TextStyle& style);

}  // namespace kredis::plugin
