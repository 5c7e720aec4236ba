// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/cluster.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "shared/core/text.hpp"
#include "shared/observe/known_pods.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::observe {
namespace {

std::set<core::NodeId> ids_of(const std::vector<core::Node>& nodes) {
  std::set<core::NodeId> ids;
  for (const core::Node& node : nodes) {
    ids.insert(node.id);
  }
  return ids;
}

std::set<std::string> owners_of(const std::vector<const core::Member*>& members) {
  std::set<std::string> owners;
  for (const core::Member* member : members) {
    owners.insert(member->pod.owner);
  }
  return owners;
}

/// Two clusters of different owners, behind one selector.
Status only_one(const core::ClusterView& view, const std::string& selector) {
  const auto clusters = core::clusters_in(view);
  if (clusters.size() < 2) {
    return {};
  }
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const auto& members : clusters) {
    const std::set<std::string> owners = owners_of(members);
    names.push_back(fmt::format("{} ({} nodes)", fmt::join(owners, " and "), members.size()));
    if (std::ranges::any_of(owners, [&](const std::string& each) { return seen.contains(each); })) {
      return {};  // One workload's pods that fell apart are one cluster in trouble.
    }
    seen.insert(owners.begin(), owners.end());
  }
  return Error::conflict(fmt::format("{} matches the pods of {} clusters: {}",
                                     selector,
                                     clusters.size(),
                                     core::list_of(names)))
      .with_hint("name the one that is meant: kubectl redis status -A lists them");
}

}  // namespace

Cluster::Cluster(ports::KubePort& kube, ports::RedisPort& redis, Located located)
    : kube_(&kube), redis_(redis), located_(std::move(located)) {
  processes_.emplace(kube, located_.namespace_);
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
    KREDIS_TRY(view_, gather_pods(*kube_, located_, *processes_));
    open_lines();
  }
  return {};
}

Status Cluster::look(Ask ask, ports::Deadline deadline) {
  KREDIS_CHECK(find_pods());
  this->ask(ask, deadline);
  KREDIS_CHECK(check_one());
  for (const core::Member& member : view_.members) {
    if (member.trouble && member.trouble->code == ErrorCode::unauthorized) {
      return *member.trouble;
    }
  }
  return {};
}

Status Cluster::check_one() const {
  return located_.all_selected ? only_one(view_, located_.label_selector) : Status{};
}

void Cluster::ask(Ask ask, ports::Deadline deadline) {
  ask_members(*switchboard_, view_, ask, deadline);
  if (kube_ != nullptr) {
    find_who_is_known(ask, deadline);
  }
}

/// One pass is enough: every node knows all others.
void Cluster::find_who_is_known(Ask ask, ports::Deadline deadline) {
  std::vector<core::Node> unknown = unknown_nodes(view_);
  std::erase_if(unknown, [&](const core::Node& node) { return in_vain_.contains(node.id); });
  if (unknown.empty()) {
    return;
  }
  const auto all = kube_->list({{"v1", "pods"}, located_.namespace_}, {});
  if (!all) {
    return;
  }
  std::vector<Json> pods = pods_at(unknown, all->at("items"));
  std::erase_if(pods, [&](const Json& pod) {
    const std::string name = text_at(pod, "/metadata/name");
    return view_.by_pod(name) != nullptr || left_out_.contains(name);
  });
  std::set<core::NodeId> ids = ids_of(unknown);
  const bool found = take_further(pods, ids, deadline);
  in_vain_.merge(ids);
  if (found && find_pods()) {
    ask_members(*switchboard_, view_, ask, deadline);
  }
}

/// Asks `pods` who they are. The owners of those that are one of `ids` are ours from now on, and
/// what was found leaves `ids`.
bool Cluster::take_further(const std::vector<Json>& pods,
                           std::set<core::NodeId>& ids,
                           ports::Deadline deadline) {
  core::ClusterView candidates{.name = view_.name, .namespace_ = view_.namespace_};
  for (const Json& pod : pods) {
    candidates.members.push_back(
        {.pod = wire::pod_from_json(pod, {}, 0, processes_->of(pod).place)});
  }
  Switchboard lines(redis_, targets_of(candidates));
  ask_members(lines, candidates, Ask::topology, deadline);
  bool found = false;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const core::Node* self = candidates.members[i].self();
    if (self == nullptr || ids.erase(self->id) == 0) {
      continue;
    }
    found = true;
    const Owner owner = owner_of(pods[i]);
    if (std::ranges::find(located_.further, owner) == located_.further.end()) {
      located_.further.push_back(owner);
    }
  }
  return found;
}

std::vector<std::string> Cluster::leave_out(const std::function<bool(const core::Member&)>& whom) {
  std::vector<std::string> names;
  std::erase_if(view_.members, [&](const core::Member& member) {
    if (whom(member)) {
      names.push_back(member.pod.name);
      left_out_.insert(member.pod.name);
      return true;
    }
    return false;
  });
  open_lines();
  return names;
}

}  // namespace kredis::observe
