// SPDX-License-Identifier: Apache-2.0
//
// While slots move, their two shards stay as they are: a master that restarts in the middle leaves
// keys of one slot on both sides, and a replica that takes over knows nothing of it.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "shared/core/findings/survival.hpp"
#include "shared/core/running_jobs.hpp"
#include "shared/core/text.hpp"
#include "shared/policy/inquiry.hpp"
#include "shared/policy/json_access.hpp"

namespace kredis::policy {
namespace {

/// What moves of shards: slots that their masters have open, and those of the servers' own jobs.
struct Moving {
  std::size_t slots = 0;
  std::optional<core::RunningJob> job = {};
};

bool is_of(const core::ShardView& shard, const std::set<std::string>& pods) {
  const auto named = [&](const core::SeenNode& node) {
    return node.member != nullptr && pods.contains(node.member->pod.name);
  };
  return pods.empty() || named(shard.master) || std::ranges::any_of(shard.replicas, named);
}

/// Of the shards of `pods`; of all where there are none.
Moving moving_in(const core::ClusterView& view, const std::set<std::string>& pods) {
  Moving moving;
  std::set<const core::SlotJob*> jobs;  // Of which both ends may be meant.
  for (const core::ShardView& shard : core::shards_of(view)) {
    const core::Member* master = shard.master.member;
    if (master == nullptr || master->self() == nullptr || !is_of(shard, pods)) {
      continue;
    }
    moving.slots += master->self()->open_slots.size();
    const auto job = core::job_of(view, master->self()->id);
    if (job && jobs.insert(job->job).second) {
      moving.slots += job->job->slots.size();
      moving.job = job;
    }
  }
  return moving;
}

}  // namespace

/// Whether it was refused because slots move. Requires: the cluster was looked at.
bool Inquiry::interrupts_move(const Json& allowing,
                              const std::set<std::string>& pods,
                              std::string path,
                              std::string found) {
  const Moving moving = moving_in(*sight_.view, pods);
  if (moving.slots == 0) {
    return false;
  }
  const std::string end = moving.job ? core::cancel_command(*sight_.view, *moving.job) + " ends it"
                                     : "kubectl redis fix ends one that was left";
  answer_.again_later = act_.subresource == "eviction";
  refuse("RG009",
         allowing,
         std::move(path),
         std::move(found),
         core::counted(static_cast<std::int64_t>(moving.slots), "slot") +
             " of its shard are moving; kubectl redis status shows it, " + end);
  return answer_.objection.has_value();
}

}  // namespace kredis::policy
