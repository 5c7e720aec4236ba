// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/fix/stray_keys.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/apply/databases.hpp"
#include "shared/core/running_jobs.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;

/// Slots of one message.
constexpr std::size_t k_at_once = 4096;

/// Slots of one database that a node is asked for at once.
struct Question {
  int database = 0;
  std::vector<std::uint32_t> slots = {};
};

std::vector<Question> questions_for(const Member& member, std::string_view keyspace) {
  core::SlotSet foreign = core::SlotSet::all().without(member.self()->slots);
  for (const core::OpenSlot& open : member.self()->open_slots) {
    foreign.erase(core::one_slot(open.slot));
  }
  const std::vector<std::uint32_t> slots = foreign.numbers();
  std::vector<Question> questions;
  for (const int database : databases_in(keyspace)) {
    for (std::size_t begin = 0; begin < slots.size(); begin += k_at_once) {
      const std::span part = std::span(slots).subspan(begin);
      const std::span some = part.first(std::min(k_at_once, part.size()));
      questions.push_back({.database = database, .slots = {some.begin(), some.end()}});
    }
  }
  return questions;
}

std::vector<Command> commands_of(const Question& question) {
  std::vector<Command> commands;
  for (const std::uint32_t slot : question.slots) {
    commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
  }
  return in_database(question.database, std::move(commands));
}

/// So that who hangs leaves time to ask the others on.
ports::Deadline half_way_to(ports::Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  return now + (deadline - now) / 2;
}

/// All masters at once, a message each at a time.
class StrayKeys {
 public:
  explicit StrayKeys(core::ClusterView& view) : view_(view), questions_(view.members.size()) {}

  void count(observe::Cluster& cluster, ports::Deadline deadline) {
    std::vector<std::vector<Command>> commands(view_.members.size());
    for (std::size_t at = 0; at < commands.size(); ++at) {
      const core::Node* self = view_.members[at].self();
      if (self != nullptr && self->role == core::Role::master) {
        commands[at] = {{"INFO", "keyspace"}};
      }
    }
    const auto keyspaces = cluster.switchboard().ask_each(commands, half_way_to(deadline));
    for (std::size_t at = 0; at < commands.size(); ++at) {
      if (!commands[at].empty() && has_answered(at, keyspaces[at])) {
        questions_[at] = questions_for(view_.members[at], keyspaces[at]->front().text);
      }
    }
    while (count_some(cluster, deadline)) {
    }
  }

 private:
  bool count_some(observe::Cluster& cluster, ports::Deadline deadline) {
    std::vector<std::vector<Command>> commands(view_.members.size());
    for (std::size_t at = 0; at < commands.size(); ++at) {
      if (!questions_[at].empty()) {
        commands[at] = commands_of(questions_[at].back());
      }
    }
    if (std::ranges::all_of(commands, &std::vector<Command>::empty)) {
      return false;
    }
    const auto answers = cluster.switchboard().ask_each(commands, half_way_to(deadline));
    for (std::size_t at = 0; at < commands.size(); ++at) {
      if (!commands[at].empty() && has_answered(at, answers[at])) {
        add(view_.members[at], questions_[at].back(), *answers[at]);
        questions_[at].pop_back();
      }
    }
    return true;
  }

  static void add(Member& member, const Question& question, const std::vector<core::Reply>& keys) {
    const std::size_t choice = question.database == 0 ? 0 : 1;
    for (std::size_t i = 0; i < question.slots.size(); ++i) {
      if (const std::int64_t count = keys[i + choice].integer; count > 0) {
        member.stray_keys[question.slots[i]] += count;
      }
    }
  }

  /// One that does not is asked no more: what it has is unknown.
  bool has_answered(std::size_t at, const observe::Answer& answer) {
    Member& member = view_.members[at];
    if (!answer) {
      member.stray_trouble = answer.error();
    } else if (const auto error = std::ranges::find_if(*answer, &core::Reply::is_error);
               error != answer->end()) {
      member.stray_trouble = redis::error_of(*error, member.pod.name);
    }
    if (member.stray_trouble) {
      member.stray_keys.clear();
      questions_[at].clear();
    }
    return !member.stray_trouble;
  }

  core::ClusterView& view_;
  std::vector<std::vector<Question>> questions_;  ///< Of each member, those that are left.
};

}  // namespace

core::ClusterView view_with_stray_keys(observe::Cluster& cluster, ports::Deadline deadline) {
  core::ClusterView view = cluster.view();
  if (core::running_jobs(view).empty()) {
    StrayKeys(view).count(cluster, deadline);
  }
  return view;
}

}  // namespace kredis::plugin
