// SPDX-License-Identifier: Apache-2.0
#include "shared/core/cluster_view.hpp"

#include <algorithm>
#include <map>

namespace kredis::core {

const Member* ClusterView::by_id(const NodeId& id) const noexcept {
  for (const Member& member : members) {
    const Node* self = member.self();
    if (self != nullptr && self->id == id) {
      return &member;
    }
  }
  return nullptr;
}

const Member* ClusterView::by_pod(const std::string& pod) const noexcept {
  const auto found =
      std::ranges::find_if(members, [&](const Member& m) { return m.pod.name == pod; });
  return found == members.end() ? nullptr : &*found;
}

const Topology* ClusterView::agreed() const noexcept {
  struct Group {
    const Topology* first = nullptr;
    std::size_t size = 0;
  };
  std::map<std::string, Group> groups;
  std::vector<const Group*> in_order;
  for (const Member& member : members) {
    if (!member.view) {
      continue;
    }
    const auto [group, is_new] = groups.try_emplace(member.view->signature());
    if (is_new) {
      group->second.first = &*member.view;
      in_order.push_back(&group->second);
    }
    ++group->second.size;
  }
  const auto largest = std::ranges::max_element(in_order, {}, &Group::size);
  return largest == in_order.end() ? nullptr : (*largest)->first;
}

bool ClusterView::all_agree() const {
  if (members.empty() || !members.front().view) {
    return false;
  }
  const std::string expected = members.front().view->signature();
  return std::ranges::all_of(
      members, [&](const Member& m) { return m.view && m.view->signature() == expected; });
}

}  // namespace kredis::core
