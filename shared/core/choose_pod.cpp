// SPDX-License-Identifier: Apache-2.0
#include "shared/core/choose_pod.hpp"

#include "shared/core/key_slot.hpp"

namespace kredis::core {
namespace {

Error nobody_to_choose(const ClusterView& view) {
  const Error nobody = nobody_answers(view);
  return nobody.with_hint("name a pod with --pod, or " + nobody.hint);
}

}  // namespace

Result<const Member*> choose_pod(const ClusterView& view, const std::optional<std::string>& key) {
  if (view.agreed() == nullptr) {
    return nobody_to_choose(view);
  }
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
        .with_hint("see " + status_command(view));
  }
  for (const Member& member : view.members) {
    if (member.self() != nullptr) {
      return &member;
    }
  }
  return nobody_to_choose(view);
}

}  // namespace kredis::core
