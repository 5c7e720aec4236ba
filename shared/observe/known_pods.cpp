// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/known_pods.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace kredis::observe {

std::vector<core::Node> unknown_nodes(const core::ClusterView& view) {
  struct Known {
    core::Node node;
    std::size_t viewers = 0;
  };
  std::map<core::NodeId, Known> unknown;
  std::size_t answering = 0;
  for (const core::Member& viewer : view.members) {
    answering += viewer.view ? 1U : 0U;
    for (const core::Node& node : viewer.view ? viewer.view->nodes() : std::vector<core::Node>{}) {
      if (!node.flags.handshake && !node.flags.noaddr) {
        ++unknown.try_emplace(node.id, Known{.node = node}).first->second.viewers;
      }
    }
  }
  for (const core::Member& member : view.members) {
    if (const core::Node* self = member.self()) {
      unknown.erase(self->id);
    }
  }
  std::vector<core::Node> nodes;
  for (auto& [id, known] : unknown) {
    if (2 * known.viewers > answering && view.by_node(known.node) == nullptr) {
      nodes.push_back(std::move(known.node));
    }
  }
  return nodes;
}

std::vector<Json> pods_at(const std::vector<core::Node>& nodes, const Json& pods) {
  std::vector<Json> found;
  for (const Json& pod : pods) {
    const std::string address = text_at(pod, "/status/podIP");
    const std::string name = text_at(pod, "/metadata/name");
    const bool fits = std::ranges::any_of(nodes, [&](const core::Node& node) {
      const std::string& host = node.address.hostname;
      return (!address.empty() && node.address.ip == address) || host == name ||
             host.starts_with(name + ".");
    });
    if (fits) {
      found.push_back(pod);
    }
  }
  return found;
}

}  // namespace kredis::observe
