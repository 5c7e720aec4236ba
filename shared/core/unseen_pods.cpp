// SPDX-License-Identifier: Apache-2.0
#include "shared/core/unseen_pods.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "shared/core/text.hpp"

namespace kredis::core {

std::optional<UnseenPods> missing_pods(const ClusterView& view) {
  if (view.missing_pods.empty()) {
    return std::nullopt;
  }
  const auto& [owner, count] = *view.missing_pods.begin();
  return UnseenPods{.what = counted(static_cast<std::int64_t>(count), "pod") + " of " + owner +
                            (count == 1 ? " is not there" : " are not there"),
                    .see = kubectl_command(view, "describe " + owner)};
}

std::optional<UnseenPods> unseen_pods(const ClusterView& view) {
  const auto silent = std::ranges::find_if(
      view.members, [](const Member& member) { return member.self() == nullptr; });
  if (silent == view.members.end()) {
    return missing_pods(view);
  }
  const std::string& pod = silent->pod.name;
  return UnseenPods{.what = "pod " + pod + " does not answer",
                    .see = kubectl_command(view, "describe pod " + pod)};
}

std::int64_t unheard_ms(const Topology& viewer, const Node& seen) {
  std::int64_t latest = seen.pong_received_ms;
  for (const Node& node : viewer.nodes()) {
    latest = std::max(latest, node.pong_received_ms);
  }
  return latest - seen.pong_received_ms;
}

namespace {

bool is_linked(const Node& seen) {
  return seen.flags.myself || (seen.link_connected && !seen.flags.pfail && !seen.flags.fail);
}

/// How long ago the youngest pod came; nothing where none is young.
std::optional<std::int64_t> youngest_ms(const ClusterView& view) {
  constexpr std::int64_t k_young_s = 60;
  std::int64_t least = k_young_s;
  for (const Member& member : view.members) {
    least = std::min(least, member.pod.age_seconds);
  }
  return least < k_young_s ? std::optional(1000 * least) : std::nullopt;
}

}  // namespace

bool is_away(const ClusterView& view, const NodeId& id) {
  constexpr std::int64_t k_tolerance_ms =
      2000;  // Ages are whole seconds, and pings a second apart.
  const auto young = youngest_ms(view);
  std::size_t answering = 0;
  std::size_t knowing = 0;
  bool is_lost = true;
  bool is_unheard = true;
  for (const Member& viewer : view.members) {
    const Node* seen = viewer.view ? viewer.view->find(id) : nullptr;
    answering += viewer.view ? 1U : 0U;
    if (seen == nullptr) {
      continue;
    }
    ++knowing;
    is_lost = is_lost && !is_linked(*seen);
    is_unheard =
        is_unheard && (!is_linked(*seen) ||
                       (young && unheard_ms(*viewer.view, *seen) + k_tolerance_ms >= *young));
  }
  return is_lost || (is_unheard && 2 * knowing > answering);
}

const Node* undecided_node(const ClusterView& view) {
  for (const Member& viewer : view.members) {
    if (!viewer.view) {
      continue;
    }
    for (const Node& node : viewer.view->nodes()) {
      const bool is_decided = node.flags.fail || node.flags.noaddr || node.flags.handshake;
      if (!is_decided && !node.flags.myself && view.by_node(node) == nullptr &&
          is_away(view, node.id)) {
        return &node;
      }
    }
  }
  return nullptr;
}

}  // namespace kredis::core
