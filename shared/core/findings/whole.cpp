// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/whole.hpp"

#include <algorithm>

namespace kredis::core {
namespace {

/// What keeps `member` from being whole; empty when nothing does.
std::string lacks(const Member& member) {
  if (member.trouble || member.self() == nullptr || !member.server || !member.cluster) {
    return member.pod.name +
           (member.pod.trouble.empty() ? " does not answer yet" : ": " + member.pod.trouble);
  }
  if (!member.pod.ready) {
    return member.pod.name + " is not ready yet";
  }
  if (member.server->loading) {
    return member.pod.name + " loads its data";
  }
  if (!member.cluster->state_ok) {
    return member.pod.name + " sees the cluster as failed";
  }
  if (member.server->role == Role::replica && !member.server->master_link_up) {
    return member.pod.name + " copies from its master";
  }
  if (!member.self()->open_slots.empty()) {
    // A restart or a hand-over may lose the mark, and with it keys.
    return "slot " + std::to_string(member.self()->open_slots.front().slot) + " is half moved on " +
           member.pod.name;
  }
  if (!member.jobs.empty()) {
    return member.pod.name + " moves slots " + member.jobs.front().slots.to_text() +
           " with another node";
  }
  return {};
}

/// How many pods are missing of those that there should be; empty when none is, or nobody says.
std::string lacks_pods(const ClusterView& view) {
  const std::size_t wanted =
      view.shape.inferred ? 0 : std::size_t{view.shape.masters} * (1 + view.shape.replicas);
  return view.members.size() >= wanted ? ""
                                       : std::to_string(view.members.size()) + " of " +
                                             std::to_string(wanted) + " pods are there";
}

}  // namespace

std::string not_whole(const ClusterView& view) {
  if (std::string text = lacks_pods(view); !text.empty()) {
    return text;
  }
  for (const Member& member : view.members) {
    if (std::string text = lacks(member); !text.empty()) {
      return text;
    }
  }
  return view.all_agree() ? "" : "the nodes do not agree on who is master of what yet";
}

std::string not_answering(const ClusterView& view) {
  if (std::string text = lacks_pods(view); !text.empty()) {
    return text;
  }
  const auto silent = std::ranges::find_if(
      view.members, [](const Member& member) { return member.trouble.has_value(); });
  return silent == view.members.end() ? "" : lacks(*silent);
}

}  // namespace kredis::core
