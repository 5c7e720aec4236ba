// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/fix/count_keys.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/databases.hpp"
#include "shared/core/open_slots.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::KeyCounts;
using core::Member;
using core::Reply;

/// Values that are compared at once: each is read from two nodes.
constexpr std::size_t k_compared = 100;

/// Asks those that answered the last look, each in its place.
class Census {
 public:
  Census(observe::Cluster& cluster, const core::ClusterView& view, ports::Deadline deadline)
      : cluster_(cluster), view_(view), deadline_(deadline) {}

  Result<KeyCounts> take(const core::SlotSet& slots);

 private:
  using Replies = std::vector<Reply>;
  const std::vector<Member>& members() const { return view_.members; }
  Result<std::vector<Replies>> ask(const std::vector<std::vector<Command>>& commands);
  Result<Replies> ask_one(const Member& member, const std::vector<Command>& commands);
  Status find_databases();
  Status count(const std::vector<std::uint32_t>& slots, int database);
  Status compare(std::uint32_t slot, const Member& member, const Member& owner);
  Result<std::int64_t> other_values(const std::vector<std::string>& keys,
                                    int database,
                                    const Member& member,
                                    const Member& owner);
  Result<std::vector<std::string>> keys_of(std::uint32_t slot,
                                           int database,
                                           const Member& member,
                                           std::int64_t most);

  observe::Cluster& cluster_;
  const core::ClusterView& view_;
  ports::Deadline deadline_;
  std::vector<int> databases_ = {};
  KeyCounts counts_ = {};
};

Result<std::vector<Census::Replies>> Census::ask(
    const std::vector<std::vector<Command>>& commands) {
  auto answers = cluster_.switchboard().ask_each(commands, deadline_);
  std::vector<Replies> all;
  for (auto& answer : answers) {
    if (!answer) {
      return answer.error();
    }
    all.push_back(std::move(*answer));
  }
  return all;
}

Result<Census::Replies> Census::ask_one(const Member& member,
                                        const std::vector<Command>& commands) {
  const auto at = static_cast<std::size_t>(&member - members().data());
  return cluster_.switchboard().ask_one(at, commands, deadline_);
}

Status Census::find_databases() {
  std::vector<std::vector<Command>> commands(members().size());
  for (std::size_t at = 0; at < commands.size(); ++at) {
    if (members()[at].self() != nullptr) {
      commands[at] = {{"INFO", "keyspace"}};
    }
  }
  KREDIS_TRY(const auto replies, ask(commands));
  for (const Replies& each : replies) {
    for (const int database : databases_in(each.empty() ? "" : each.front().text)) {
      if (std::ranges::find(databases_, database) == databases_.end()) {
        databases_.push_back(database);
      }
    }
  }
  return {};
}

Status Census::count(const std::vector<std::uint32_t>& slots, int database) {
  std::vector<Command> asked;
  for (const std::uint32_t slot : slots) {
    asked.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
  }
  std::vector<std::vector<Command>> commands(members().size());
  for (std::size_t at = 0; at < commands.size(); ++at) {
    if (members()[at].self() != nullptr) {
      commands[at] = in_database(database, asked);
    }
  }
  KREDIS_TRY(const auto replies, ask(commands));
  for (std::size_t at = 0; at < replies.size(); ++at) {
    const std::size_t first = database == 0 ? 0 : 1;
    for (std::size_t i = 0; i < slots.size() && !replies[at].empty(); ++i) {
      const Reply& reply = replies[at][first + i];
      if (reply.is_error()) {
        return redis::error_of(reply, members()[at].pod.name);
      }
      if (reply.integer > 0) {
        counts_[slots[i]].on[members()[at].pod.name] += reply.integer;
      }
    }
  }
  return {};
}

Result<std::vector<std::string>> Census::keys_of(std::uint32_t slot,
                                                 int database,
                                                 const Member& member,
                                                 std::int64_t most) {
  KREDIS_TRY(
      const auto replies,
      ask_one(
          member,
          in_database(database,
                      {{"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), std::to_string(most)}})));
  const Reply& listed = replies[database == 0 ? 0 : 1];
  if (listed.is_error()) {
    return redis::error_of(listed, member.pod.name);
  }
  std::vector<std::string> keys;
  for (const Reply& key : listed.items) {
    keys.push_back(key.text);
  }
  return keys;
}

/// A value that cannot be read on one side counts as another one where the other side has some.
Result<std::int64_t> Census::other_values(const std::vector<std::string>& keys,
                                          int database,
                                          const Member& member,
                                          const Member& owner) {
  std::int64_t others = 0;
  for (std::size_t begin = 0; begin < keys.size(); begin += k_compared) {
    const std::size_t end = std::min(begin + k_compared, keys.size());
    std::vector<Command> dumps;
    for (std::size_t i = begin; i < end; ++i) {
      dumps.push_back({"ASKING"});
      dumps.push_back({"DUMP", keys[i]});
    }
    dumps = in_database(database, std::move(dumps));
    KREDIS_TRY(const auto here, ask_one(member, dumps));
    KREDIS_TRY(const auto there, ask_one(owner, dumps));
    for (std::size_t i = database == 0 ? 1 : 2; i < here.size(); i += 2) {
      const bool nothing_there = there[i].kind == Reply::Kind::nil ||
                                 (there[i].is_error() && there[i].text.starts_with("ASK "));
      others += nothing_there || here[i].kind == Reply::Kind::nil ||
                        (!here[i].is_error() && here[i].text == there[i].text)
                    ? 0
                    : 1;
    }
  }
  return others;
}

Status Census::compare(std::uint32_t slot, const Member& member, const Member& owner) {
  core::SlotKeys& keys = counts_[slot];
  for (const int database : databases_) {
    KREDIS_TRY(const auto names, keys_of(slot, database, member, keys.on[member.pod.name]));
    KREDIS_TRY(const std::int64_t others, other_values(names, database, member, owner));
    if (others > 0) {
      keys.other_values[member.pod.name] += others;
    }
  }
  return {};
}

Result<KeyCounts> Census::take(const core::SlotSet& slots) {
  if (slots.empty()) {
    return KeyCounts{};
  }
  KREDIS_CHECK(find_databases());
  const std::vector<std::uint32_t> numbers = slots.numbers();
  for (const int database : databases_) {
    KREDIS_CHECK(count(numbers, database));
  }
  for (const auto& [slot, keys] : counts_) {
    for (const Member* owner : core::owners_of(view_, slot)) {
      for (const Member& member : members()) {
        // A node shows no key of a slot that is neither its own nor open on it.
        const bool both = &member != owner && member.self() != nullptr &&
                          member.self()->role == core::Role::master &&
                          !member.stray_keys.contains(slot) && keys.on.contains(member.pod.name) &&
                          keys.on.contains(owner->pod.name);
        if (both) {
          KREDIS_CHECK(compare(slot, member, *owner));
        }
      }
    }
  }
  return std::move(counts_);
}

}  // namespace

Result<KeyCounts> count_keys(observe::Cluster& cluster,
                             const core::ClusterView& view,
                             ports::Deadline deadline) {
  return Census(cluster, view, deadline).take(core::slots_to_count(view));
}

}  // namespace kredis::plugin
