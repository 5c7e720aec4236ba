// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/cluster.hpp"

#include <utility>

#include "shared/observe/gather.hpp"

namespace kredis::observe {

Cluster::Cluster(ports::KubePort& kube, ports::RedisPort& redis, const Located& located)
    : kube_(&kube), redis_(redis), located_(&located) {
  open_lines();
}

Cluster::Cluster(ports::RedisPort& redis, core::ClusterView view)
    : redis_(redis), view_(std::move(view)) {
  open_lines();
}

/// A pod has a new address after a restart, and a line to the old one leads nowhere.
void Cluster::open_lines() {
  std::vector<std::string> wanted;
  for (const core::Member& member : view_.members) {
    wanted.push_back(member.pod.name + " " + member.pod.ip);
  }
  if (!switchboard_ || wanted != lines_to_) {
    switchboard_.emplace(redis_, targets_of(view_));
    lines_to_ = std::move(wanted);
  }
}

Status Cluster::find_pods() {
  if (kube_ != nullptr) {
    KREDIS_TRY(view_, gather_pods(*kube_, *located_));
    open_lines();
  }
  return {};
}

Status Cluster::look(Ask ask, ports::Deadline deadline) {
  KREDIS_CHECK(find_pods());
  this->ask(ask, deadline);
  for (const core::Member& member : view_.members) {
    if (member.trouble && member.trouble->code == ErrorCode::unauthorized) {
      return *member.trouble;
    }
  }
  return {};
}

void Cluster::ask(Ask ask, ports::Deadline deadline) {
  ask_members(*switchboard_, view_, ask, deadline);
}

std::vector<std::string> Cluster::leave_out(const std::function<bool(const core::Member&)>& whom) {
  std::vector<std::string> names;
  std::erase_if(view_.members, [&](const core::Member& member) {
    if (whom(member)) {
      names.push_back(member.pod.name);
      return true;
    }
    return false;
  });
  open_lines();
  return names;
}

}  // namespace kredis::observe
