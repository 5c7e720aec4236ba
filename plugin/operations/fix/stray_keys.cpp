// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/fix/stray_keys.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/databases.hpp"
#include "shared/core/running_jobs.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
using core::Reply;

/// Commands of one message.
constexpr std::size_t k_at_once = 4096;

/// One node's, on the cluster's own lines.
class StrayKeys {
 public:
  StrayKeys(observe::Cluster& cluster, std::size_t at, ports::Deadline deadline)
      : cluster_(cluster), at_(at), deadline_(deadline) {}

  Status count(Member& member) {
    KREDIS_TRY(const auto keyspace, ask({{"INFO", "keyspace"}}));
    core::SlotSet foreign = core::SlotSet::all().without(member.self()->slots);
    for (const core::OpenSlot& open : member.self()->open_slots) {
      foreign.erase(core::one_slot(open.slot));
    }
    const std::vector<std::uint32_t> slots = foreign.numbers();
    for (const int database : databases_in(keyspace.front().text)) {
      for (std::size_t begin = 0; begin < slots.size(); begin += k_at_once) {
        const std::span all(slots);
        const std::size_t many = std::min(k_at_once, slots.size() - begin);
        KREDIS_CHECK(count(member, database, all.subspan(begin, many)));
      }
    }
    return {};
  }

 private:
  Status count(Member& member, int database, std::span<const std::uint32_t> slots) {
    std::vector<Command> commands;
    for (const std::uint32_t slot : slots) {
      commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
    }
    KREDIS_TRY(const auto replies, ask(in_database(database, std::move(commands))));
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::int64_t keys = replies[i + (database == 0 ? 0 : 1)].integer;
      if (keys > 0) {
        member.stray_keys[slots[i]] += keys;
      }
    }
    return {};
  }

  Result<std::vector<Reply>> ask(const std::vector<Command>& commands) {
    KREDIS_TRY(auto replies, cluster_.switchboard().ask_one(at_, commands, deadline_));
    for (const Reply& reply : replies) {
      if (reply.is_error()) {
        return redis::error_of(reply, cluster_.view().members[at_].pod.name);
      }
    }
    return replies;
  }

  observe::Cluster& cluster_;
  std::size_t at_;
  ports::Deadline deadline_;
};

}  // namespace

core::ClusterView view_with_stray_keys(observe::Cluster& cluster, ports::Deadline deadline) {
  core::ClusterView view = cluster.view();
  if (!core::running_jobs(view).empty()) {
    return view;
  }
  for (std::size_t at = 0; at < view.members.size(); ++at) {
    const core::Node* self = view.members[at].self();
    const bool asks = self != nullptr && self->role == core::Role::master;
    if (asks && !StrayKeys(cluster, at, deadline).count(view.members[at])) {
      view.members[at].stray_keys.clear();
    }
  }
  return view;
}

}  // namespace kredis::plugin
