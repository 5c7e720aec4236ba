// SPDX-License-Identifier: Apache-2.0
//
// Builds the ClusterView that a test talks about: healthy unless the test says otherwise.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::testing {

/// The id of the node in pod `ordinal`; ids of different ordinals differ in the first digits.
inline core::NodeId node_id(int ordinal) {
  const std::string number = std::to_string(ordinal);
  return core::NodeId::parse("a" + std::string(7 - number.size(), '0') + number +
                             std::string(32, 'f'))
      .value();
}

inline std::string pod_name(int ordinal) { return "redis-app-" + std::to_string(ordinal); }

/// The lines of a member's view, to be changed; the view is made of them anew when this goes. One
/// at a time for a member.
class EditedNodes {
 public:
  explicit EditedNodes(core::Member& member) : member_(member), nodes_(member.view->nodes()) {}
  ~EditedNodes() { member_.view.emplace(std::move(nodes_)); }
  EditedNodes(const EditedNodes&) = delete;
  EditedNodes& operator=(const EditedNodes&) = delete;

  std::vector<core::Node>& operator*() { return nodes_; }
  std::vector<core::Node>* operator->() { return &nodes_; }
  core::Node& operator[](std::size_t at) { return nodes_.at(at); }
  auto begin() { return nodes_.begin(); }
  auto end() { return nodes_.end(); }

 private:
  core::Member& member_;
  std::vector<core::Node> nodes_;
};

inline EditedNodes edit_nodes(core::Member& member) { return EditedNodes(member); }

/// Pods redis-app-0.. with one Redis node each. At first they are strangers without slots, pod i on
/// Kubernetes node "node-<i % 3>" in zone "zone-<i % 3>".
class ViewBuilder {
 public:
  explicit ViewBuilder(int pods) : pods_(static_cast<std::size_t>(pods)) {
    for (int i = 0; i < pods; ++i) {
      const std::string third = std::to_string(i % 3);
      on(i, "node-" + third, "zone-" + third);
      at(i).known = {i};
    }
  }

  /// A whole cluster in the article's order: masters first, pod masters + i replicates pod i.
  static ViewBuilder whole(int masters, int replicas) {
    ViewBuilder builder{masters * (1 + replicas)};
    const auto runs = core::even_slots(static_cast<std::uint32_t>(masters));
    for (int i = 0; i < masters * (1 + replicas); ++i) {
      if (i < masters) {
        builder.slots(i, runs[static_cast<std::size_t>(i)].to_text());
      } else {
        builder.replica(i, i % masters);
      }
    }
    return builder.all_met().shape(static_cast<std::uint32_t>(masters),
                                   static_cast<std::uint32_t>(replicas));
  }

  ViewBuilder& shape(std::uint32_t masters, std::uint32_t replicas) {
    shape_ = {.masters = masters, .replicas = replicas};
    return *this;
  }
  ViewBuilder& on(int pod, std::string node, std::string zone = "") {
    at(pod).domain = {.node = std::move(node), .zone = std::move(zone)};
    return *this;
  }
  ViewBuilder& slots(int pod, const std::string& text) {
    at(pod).slots = core::SlotSet::parse(text).value();
    return *this;
  }
  ViewBuilder& replica(int pod, int master) {
    at(pod).master = master;
    return *this;
  }
  /// Each of these pods knows each of the others.
  ViewBuilder& met(const std::vector<int>& group) {
    for (const int viewer : group) {
      at(viewer).known.insert(group.begin(), group.end());
    }
    return *this;
  }
  ViewBuilder& all_met() {
    std::vector<int> all;
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      all.push_back(static_cast<int>(i));
    }
    return met(all);
  }
  ViewBuilder& keys(int pod, std::int64_t count) {
    return edit(pod, [count](core::Member& member) { member.server->keys = count; });
  }
  /// Changes one finished member: whatever has no word of its own above.
  ViewBuilder& edit(int pod, std::function<void(core::Member&)> change) {
    at(pod).changes.push_back(std::move(change));
    return *this;
  }
  /// The pod's Redis cannot be asked.
  ViewBuilder& silent(int pod) {
    return edit(pod, [](core::Member& member) {
      member.view.reset();
      member.cluster.reset();
      member.server.reset();
      member.trouble = Error::unreachable("connection refused");
    });
  }

  core::ClusterView build() const {
    core::ClusterView view{
        .name = "redis", .namespace_ = "default", .made_by = "create", .shape = shape_};
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      view.members.push_back(member(static_cast<int>(i)));
      for (const auto& change : pods_[i].changes) {
        change(view.members.back());
      }
    }
    return view;
  }

 private:
  struct PodState {
    core::FailureDomain domain;
    core::SlotSet slots;
    int master = -1;
    std::set<int> known;
    std::vector<std::function<void(core::Member&)>> changes;
  };

  PodState& at(int pod) { return pods_.at(static_cast<std::size_t>(pod)); }
  const PodState& at(int pod) const { return pods_.at(static_cast<std::size_t>(pod)); }

  static std::string ip(int pod) {
    return "10.0." + std::to_string(pod / 250) + "." + std::to_string(pod % 250 + 1);
  }

  core::Node node(int pod, int viewer) const {
    const PodState& state = at(pod);
    core::Node node{.id = node_id(pod)};
    node.address = {.ip = ip(pod), .port = 6379, .bus_port = 16'379};
    node.flags.myself = pod == viewer;
    node.slots = state.slots;
    if (state.master >= 0) {
      node.role = core::Role::replica;
      node.master = node_id(state.master);
    }
    node.config_epoch = state.slots.empty() ? 0 : static_cast<std::uint64_t>(pod) + 1;
    return node;
  }

  core::Member member(int pod) const {
    const PodState& state = at(pod);
    core::Member member;
    member.pod = {.name = pod_name(pod), .ordinal = pod, .domain = state.domain, .ip = ip(pod)};
    member.pod.owner = "statefulset/redis-app";
    member.pod.container = "redis";
    member.pod.age_seconds = 3600;
    member.pod.ready = true;
    member.pod.running = true;
    std::vector<core::Node> lines;
    for (const int known : state.known) {
      lines.push_back(node(known, pod));
    }
    member.view.emplace(std::move(lines));
    const core::SlotSet assigned = member.view->assigned_slots();
    member.cluster = core::ClusterInfo{.state_ok = assigned == core::SlotSet::all(),
                                       .slots_assigned = assigned.size(),
                                       .slots_ok = assigned.size()};
    member.cluster->known_nodes = static_cast<std::uint32_t>(member.view->nodes().size());
    member.server = core::ServerInfo{.version = "7.0.15", .cluster_enabled = true};
    member.server->aof_enabled = true;
    member.server->used_memory_bytes = 1 << 20;
    member.server->replication_offset = 1000;
    member.server->role = state.master >= 0 ? core::Role::replica : core::Role::master;
    member.server->master_link_up = state.master >= 0;
    return member;
  }

  std::vector<PodState> pods_;
  core::Shape shape_ = {};
};

}  // namespace kredis::testing
