// SPDX-License-Identifier: Apache-2.0
//
// While slots move, their two shards stay as they are: a master that restarts in the middle leaves
// keys of one slot on both sides, and a replica that takes over knows nothing of it.
#include <utility>

#include "shared/core/findings/survival.hpp"
#include "shared/core/text.hpp"
#include "shared/policy/inquiry.hpp"
#include "shared/policy/json_access.hpp"

namespace kredis::policy {
namespace {

/// Slots that the master of a shard has open, of `pods` alone where there are any.
std::size_t open_slots_of(const core::ClusterView& view, const std::set<std::string>& pods) {
  std::size_t count = 0;
  for (const core::ShardView& shard : core::shards_of(view)) {
    bool concerned = pods.empty();
    for (const core::SeenNode& each : shard.replicas) {
      concerned = concerned || (each.member != nullptr && pods.contains(each.member->pod.name));
    }
    const core::Member* master = shard.master.member;
    const core::Node* self = master == nullptr ? nullptr : master->self();
    if (self != nullptr && (concerned || pods.contains(master->pod.name))) {
      count += self->open_slots.size();
    }
  }
  return count;
}

}  // namespace

/// Whether it was refused because slots move. Requires: the cluster was looked at.
bool Inquiry::interrupts_move(const Json& allowing,
                              const std::set<std::string>& pods,
                              std::string path,
                              std::string found) {
  const std::size_t open = open_slots_of(*sight_.view, pods);
  if (open == 0) {
    return false;
  }
  answer_.again_later = act_.subresource == "eviction";
  refuse(
      "RG009",
      allowing,
      std::move(path),
      std::move(found),
      core::counted(static_cast<std::int64_t>(open), "slot") +
          " of its shard are moving; kubectl redis status shows it, kubectl redis fix ends one that was left");
  return answer_.objection.has_value();
}

}  // namespace kredis::policy
