// SPDX-License-Identifier: Apache-2.0
#include "shared/core/topology.hpp"

#include <algorithm>

#include "shared/core/text.hpp"

namespace kredis::core {

const Node* Topology::find(const NodeId& id) const noexcept {
  const auto found = std::ranges::find(nodes, id, &Node::id);
  return found == nodes.end() ? nullptr : &*found;
}

const Node* Topology::myself() const noexcept {
  const auto found = std::ranges::find_if(nodes, [](const Node& n) { return n.flags.myself; });
  return found == nodes.end() ? nullptr : &*found;
}

std::vector<const Node*> Topology::masters() const {
  std::vector<const Node*> found;
  for (const Node& node : nodes) {
    if (node.role == Role::master) {
      found.push_back(&node);
    }
  }
  return found;
}

std::vector<const Node*> Topology::replicas_of(const NodeId& master) const {
  std::vector<const Node*> found;
  for (const Node& node : nodes) {
    if (node.role == Role::replica && node.master == master) {
      found.push_back(&node);
    }
  }
  return found;
}

SlotSet Topology::assigned_slots() const {
  SlotSet slots;
  for (const Node& node : nodes) {
    slots.insert(node.slots);
  }
  return slots;
}

std::string Topology::signature() const {
  std::vector<std::string> lines;
  lines.reserve(nodes.size());
  for (const Node& node : nodes) {
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
    lines.push_back(std::move(line));
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
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
