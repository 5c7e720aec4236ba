// SPDX-License-Identifier: Apache-2.0
#include "shared/core/choose_pod.hpp"

#include "shared/core/key_slot.hpp"

namespace kredis::core {
namespace {

std::string status_of(const ClusterView& view) {
  return "see kubectl redis status " + view.name + " -n " + view.namespace_;
}

}  // namespace

Result<const Member*> choose_pod(const ClusterView& view, const std::optional<std::string>& key) {
  for (const ShardView& shard : shards_of(view)) {
    const bool holds =
        key ? shard.master.node->slots.contains(key_slot(*key)) : !shard.master.node->slots.empty();
    if (holds && shard.master.member != nullptr && is_serving(shard.master)) {
      return shard.master.member;
    }
  }
  if (key) {
    return Error::not_found("no pod of cluster " + view.name + " serves slot " +
                            std::to_string(key_slot(*key)) + ", where the key \"" + *key +
                            "\" belongs")
        .with_hint(status_of(view));
  }
  for (const Member& member : view.members) {
    if (member.self() != nullptr) {
      return &member;
    }
  }
  return Error::not_found("no pod of cluster " + view.name + " answers")
      .with_hint(status_of(view) + "; or name a pod with --pod");
}

}  // namespace kredis::core
