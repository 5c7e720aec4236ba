// SPDX-License-Identifier: Apache-2.0
#include "shared/core/cluster_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kredis::core {

namespace {

/// The pod that did not answer and that `node`'s address or hostname leads to.
const Member* silent_member(const ClusterView& view, const Node& node) noexcept {
  const NodeAddress& at = node.address;
  const auto found = std::ranges::find_if(view.members, [&](const Member& member) {
    const Pod& pod = member.pod;
    const std::string& ip = expected_ip(pod);
    const bool same_ip = !at.ip.empty() && at.ip == ip && at.port == pod.port;
    const bool same_name = at.hostname == pod.name || at.hostname.starts_with(pod.name + ".");
    return (same_ip || same_name) && member.self() == nullptr;
  });
  return found == view.members.end() ? nullptr : &*found;
}

std::string kube_flags(const ClusterView& view) {
  return view.call.kube.empty() ? " -n " + view.namespace_ : view.call.kube;
}

}  // namespace

const Member* ClusterView::by_id(const NodeId& id) const noexcept {
  for (const Member& member : members) {
    const Node* self = member.self();
    if (self != nullptr && self->id == id) {
      return &member;
    }
  }
  return nullptr;
}

const Member* ClusterView::by_node(const Node& node) const noexcept {
  const Member* known = by_id(node.id);
  return known != nullptr ? known : silent_member(*this, node);
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
  std::map<std::uint64_t, Group> groups;
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
  const std::uint64_t expected = members.front().view->signature();
  return std::ranges::all_of(
      members, [&](const Member& m) { return m.view && m.view->signature() == expected; });
}

std::vector<ShardView> shards_of(const ClusterView& view) {
  const Topology* agreed = view.agreed();
  std::vector<ShardView> shards;
  if (agreed == nullptr) {
    return shards;
  }
  // `by_id` looks through every view; asked for every node, it would take seconds for a thousand.
  std::map<NodeId, const Member*> runs_it;
  for (const Member& member : view.members) {
    if (const Node* self = member.self()) {
      runs_it.try_emplace(self->id, &member);
    }
  }
  const auto seen = [&](const Node& node) -> SeenNode {
    const auto member = runs_it.find(node.id);
    return {.node = &node,
            .member = member == runs_it.end() ? silent_member(view, node) : member->second};
  };
  std::map<NodeId, std::size_t> index;
  for (const Node* node : agreed->masters()) {
    index.emplace(node->id, shards.size());
    shards.push_back({.master = seen(*node)});
  }
  for (const Node& node : agreed->nodes()) {
    const auto master = node.master ? index.find(*node.master) : index.end();
    if (node.role == Role::replica && master != index.end()) {
      shards[master->second].replicas.push_back(seen(node));
    }
  }
  std::erase_if(shards, [](const ShardView& shard) {
    return shard.master.node->slots.empty() && shard.replicas.empty();
  });
  const auto ordinal = [](const SeenNode& node) {
    return node.member == nullptr ? -1 : node.member->pod.ordinal;
  };
  std::ranges::stable_sort(
      shards, {}, [&](const ShardView& shard) { return ordinal(shard.master); });
  for (ShardView& shard : shards) {
    std::ranges::stable_sort(shard.replicas, {}, ordinal);
  }
  return shards;
}

std::vector<std::vector<const Member*>> clusters_in(const ClusterView& view) {
  struct Group {
    std::set<NodeId> known;
    std::vector<const Member*> members;
  };
  std::vector<Group> groups;
  for (const Member& member : view.members) {
    if (!member.view || member.view->assigned_slots().empty()) {
      continue;
    }
    Group joined{.known = {}, .members = {&member}};
    for (const Node& node : member.view->nodes()) {
      joined.known.insert(node.id);
    }
    const auto knows = [&](const Group& group) {
      return std::ranges::any_of(group.known,
                                 [&](const NodeId& id) { return joined.known.contains(id); });
    };
    for (Group& group : groups) {
      if (knows(group)) {
        joined.known.merge(group.known);
        joined.members.insert(joined.members.begin(), group.members.begin(), group.members.end());
        group.members.clear();
      }
    }
    std::erase_if(groups, [](const Group& group) { return group.members.empty(); });
    groups.push_back(std::move(joined));
  }
  std::vector<std::vector<const Member*>> clusters;
  for (Group& group : groups) {
    clusters.push_back(std::move(group.members));
  }
  return clusters;
}

bool is_there(const SeenNode& master) noexcept {
  const bool pod_gone = master.member != nullptr && !master.member->pod.running;
  const bool answered = master.member != nullptr && master.member->self() != nullptr;
  return !master.node->flags.fail && !pod_gone && (answered || !master.node->flags.pfail);
}

const std::string& expected_ip(const Pod& pod) {
  return pod.announced_ip.empty() ? pod.ip : pod.announced_ip;
}

bool reaches(const Member& viewer, const Member& other) {
  const Node* self = other.self();
  const Node* seen = viewer.view && self != nullptr ? viewer.view->find(self->id) : nullptr;
  return seen != nullptr && !seen->flags.handshake && !seen->flags.noaddr && !seen->flags.fail &&
         !seen->flags.pfail && (seen->flags.myself || seen->link_connected);
}

bool dials_old_address(const Member& replica, const Member& master) {
  const Node* self = master.self();
  const Node* seen = self != nullptr && replica.view ? replica.view->find(self->id) : nullptr;
  if (!replica.server || replica.server->master_link_up || seen == nullptr) {
    return false;
  }
  const std::string& host = replica.server->master_host;
  return replica.server->role == Role::replica && !host.empty() && host != seen->address.ip &&
         host != seen->address.hostname && host != master.pod.ip &&
         host != master.pod.announced_ip && reaches(replica, master);
}

bool is_serving(const SeenNode& master) noexcept {
  const bool says_down =
      master.member != nullptr && master.member->cluster && !master.member->cluster->state_ok;
  return is_there(master) && !says_down;
}

namespace {

/// The slots that members say are their own.
SlotSet claimed_slots(const ClusterView& view) {
  SlotSet claimed;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self != nullptr && self->role == Role::master) {
      claimed.insert(self->slots);
    }
  }
  return claimed;
}

}  // namespace

std::vector<SeenNode> strays_of(const ClusterView& view) {
  std::vector<SeenNode> strays;
  const Topology* agreed = view.agreed();
  if (agreed == nullptr) {
    return strays;
  }
  const SlotSet assigned = agreed->assigned_slots();
  for (const Member& member : view.members) {
    const Node* self = member.self();
    const bool holds_more =
        self != nullptr && self->role == Role::master && !self->slots.without(assigned).empty();
    if (holds_more) {
      strays.push_back({.node = self, .member = &member});
    }
  }
  return strays;
}

std::vector<std::pair<const Member*, SlotSet>> denied_slots(const ClusterView& view) {
  const SlotSet claimed = claimed_slots(view);
  std::vector<std::pair<const Member*, SlotSet>> denied;
  if (claimed == SlotSet::all()) {
    return denied;  // As nearly always; to look at every node of every view takes long.
  }
  std::map<NodeId, SlotSet> given;
  for (const Member& viewer : view.members) {
    if (!viewer.view) {
      continue;
    }
    for (const Node& seen : viewer.view->nodes()) {
      if (SlotSet slots = seen.slots.without(claimed); !slots.empty()) {
        given[seen.id].insert(slots);
      }
    }
  }
  for (const Member& owner : view.members) {
    const auto found = owner.self() == nullptr ? given.end() : given.find(owner.self()->id);
    if (found != given.end()) {
      denied.emplace_back(&owner, found->second);
    }
  }
  return denied;
}

SlotSet uncovered_slots(const ClusterView& view) {
  const Topology* agreed = view.agreed();
  if (agreed == nullptr || agreed->assigned_slots().empty()) {
    return {};
  }
  SlotSet missing = SlotSet::all().without(agreed->assigned_slots());
  for (const SeenNode& stray : strays_of(view)) {
    missing.erase(stray.node->slots);
  }
  for (const auto& [owner, slots] : denied_slots(view)) {
    missing.erase(slots);
  }
  return missing;
}

SlotSet served_slots(const ClusterView& view) {
  SlotSet served;
  for (const ShardView& shard : shards_of(view)) {
    if (is_serving(shard.master)) {
      served.insert(shard.master.node->slots);
    }
  }
  for (const auto& [owner, slots] : denied_slots(view)) {
    served.erase(slots);
  }
  return served;
}

std::optional<std::int64_t> replication_lag_bytes(const SeenNode& master, const SeenNode& replica) {
  const bool known = master.member != nullptr && replica.member != nullptr &&
                     master.member->server && replica.member->server;
  if (!known) {
    return std::nullopt;
  }
  const std::int64_t lag =
      master.member->server->replication_offset - replica.member->server->replication_offset;
  return std::max(lag, std::int64_t{0});
}

std::string redis_command(const ClusterView& view, const std::string& verb) {
  const std::string cluster = view.call.cluster.empty() ? " " + view.name : view.call.cluster;
  return "kubectl redis " + verb + cluster + kube_flags(view) + view.call.access;
}

std::string kubectl_command(const ClusterView& view, const std::string& what) {
  return "kubectl " + what + kube_flags(view);
}

std::string redis_cli_command(const ClusterView& view,
                              const std::string& pod,
                              const std::string& command) {
  return redis_command(view, "cli") + " --pod " + pod + " -- " + command;
}

std::string redis_cli_on_all_command(const ClusterView& view, const std::string& command) {
  return redis_command(view, "cli") + " --all -- " + command;
}

std::string status_command(const ClusterView& view) { return redis_command(view, "status"); }

Error nobody_answers(const ClusterView& view) {
  const std::string what = "no node of cluster " + view.name + " answers";
  const auto silent = std::ranges::find_if(
      view.members, [](const Member& member) { return member.trouble.has_value(); });
  if (silent == view.members.end()) {
    return Error::unreachable(what).with_hint("see why: " + status_command(view));
  }
  Error error = *silent->trouble;
  error.message = what + ": " + error.message;
  return error.hint.empty() ? error.with_hint("see why: " + status_command(view)) : error;
}

}  // namespace kredis::core
