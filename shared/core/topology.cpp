// SPDX-License-Identifier: Apache-2.0
#include "shared/core/topology.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "shared/core/text.hpp"

namespace kredis::core {

namespace {

std::string agreed_part(const Node& node) {
  std::string line = node.id.to_text();
  line += node.role == Role::master ? " master" : " replica";
  if (node.flags.handshake) {
    line += " handshake";
  }
  if (node.master) {
    line += " of " + node.master->to_text();
  }
  if (!node.slots.empty()) {
    line += " " + node.slots.to_text();
  }
  return line;
}

}  // namespace

Topology::Topology(std::vector<Node> nodes) : nodes_(std::move(nodes)) {
  by_id_.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    by_id_.push_back(i);
    if (nodes_[i].flags.myself && !myself_) {
      myself_ = i;
    }
  }
  std::ranges::sort(by_id_, {}, [this](std::size_t i) -> const NodeId& { return nodes_[i].id; });
  std::string text;
  for (const std::size_t i : by_id_) {
    text += agreed_part(nodes_[i]) + "\n";
  }
  signature_ = std::hash<std::string>{}(text);
}

const Node* Topology::find(const NodeId& id) const noexcept {
  const auto found = std::ranges::lower_bound(
      by_id_, id, {}, [this](std::size_t i) -> const NodeId& { return nodes_[i].id; });
  return found == by_id_.end() || nodes_[*found].id != id ? nullptr : &nodes_[*found];
}

std::vector<const Node*> Topology::masters() const {
  std::vector<const Node*> found;
  for (const Node& node : nodes_) {
    if (node.role == Role::master) {
      found.push_back(&node);
    }
  }
  return found;
}

std::vector<const Node*> Topology::replicas_of(const NodeId& master) const {
  std::vector<const Node*> found;
  for (const Node& node : nodes_) {
    if (node.role == Role::replica && node.master == master) {
      found.push_back(&node);
    }
  }
  return found;
}

SlotSet Topology::assigned_slots() const {
  SlotSet slots;
  for (const Node& node : nodes_) {
    slots.insert(node.slots);
  }
  return slots;
}

std::optional<Version> version_of(const ServerInfo& server) {
  const auto parts = split(server.version, '.');
  const auto number = [&](std::size_t at) {
    return at < parts.size() ? to_number<int>(parts[at]) : std::nullopt;
  };
  const auto major = number(0);
  const auto minor = number(1);
  if (!major || !minor) {
    return std::nullopt;
  }
  return Version{.major = *major, .minor = *minor, .patch = number(2).value_or(0)};
}

}  // namespace kredis::core
