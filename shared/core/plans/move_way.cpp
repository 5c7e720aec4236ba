// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/move_way.hpp"

#include <algorithm>
#include <utility>

namespace kredis::core {
namespace {

/// "Valkey 9.1", or "unknown".
std::string kind_text(const Member& member) {
  const auto version = member.server ? version_of(*member.server) : std::nullopt;
  if (!version) {
    return "unknown";
  }
  return (member.server->server == "valkey" ? "Valkey " : "Redis ") +
         std::to_string(version->major) + "." + std::to_string(version->minor);
}

std::optional<JobEnd> job_end_of(const Member& member) {
  return member.server ? job_end(*member.server) : std::nullopt;
}

/// Valkey before 9.1.2 breaks each attempt off where threads read the writes into moving slots:
/// https://github.com/valkey-io/valkey/issues/4104
bool breaks_off(const Member& member) {
  constexpr Version k_mended{.major = 9, .minor = 1, .patch = 2};
  return member.server->server == "valkey" && version_of(*member.server) < k_mended &&
         member.server->io_threads.value_or(1) > 1;
}

std::string what_is_unknown(const std::string& who) {
  return "it is not known what " + who + " runs";
}

/// What keeps one node from taking part; empty when nothing does.
std::string lacks_job(const Member& member, const std::string& as) {
  const std::string who = member.pod.name + as;
  if (!member.server || member.trouble) {
    return what_is_unknown(who);
  }
  if (!job_end_of(member)) {
    return who + " is " + kind_text(member);
  }
  return breaks_off(member) ? who + " is " + member.server->version +
                                  " with io-threads, which breaks such jobs off"
                            : "";
}

/// The first of the replicas of `master` that could not take over a job; empty when there is none.
std::string replica_lacks(const ClusterView& view, const Member& master) {
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->master != master.self()->id) {
      continue;
    }
    const std::string as = ", which follows " + master.pod.name + ",";
    if (std::string text = lacks_job(member, as); !text.empty()) {
      return text;
    }
    if (job_end_of(member) != job_end_of(master)) {
      return member.pod.name + as + " is " + kind_text(member);
    }
  }
  return {};
}

/// Why a move cannot be atomic; empty when it can.
std::string lacks_atomic(const ClusterView& view, const MoveSlots& move) {
  const Member* from = view.by_pod(move.pod);
  const Member* to = view.by_pod(move.target_pod);
  for (const auto& [member, pod] : {std::pair{from, move.pod}, std::pair{to, move.target_pod}}) {
    if (member == nullptr || member->self() == nullptr) {
      return what_is_unknown(pod);
    }
    if (std::string text = lacks_job(*member, ""); !text.empty()) {
      return text;
    }
  }
  if (job_end_of(*from) != job_end_of(*to)) {
    return from->pod.name + " is " + kind_text(*from) + " and " + to->pod.name + " " +
           kind_text(*to);
  }
  // A Valkey source logs in as a replica would; Redis' nodes know a secret of their own.
  const bool logs_in = !to->server->wants_password.value_or(false) ||
                       from->server->gives_password.value_or(true) ||
                       job_end_of(*from) == JobEnd::target;
  if (!logs_in) {
    return from->pod.name + " has no masterauth to log in with at " + to->pod.name;
  }
  for (const Member* each : {from, to}) {
    if (!each->self()->open_slots.empty()) {
      return "slot " + std::to_string(each->self()->open_slots.front().slot) +
             " is half moved already on " + each->pod.name;
    }
    if (std::string text = replica_lacks(view, *each); !text.empty()) {
      return text;
    }
  }
  return {};
}

}  // namespace

Status choose_ways(const ClusterView& view, const WayWish& wish, std::vector<MoveSlots>& moves) {
  for (MoveSlots& move : moves) {
    std::string lacks = wish.how == MoveWay::classic ? "as asked for" : lacks_atomic(view, move);
    if (lacks.empty() && !wish.bounded_by.empty()) {
      lacks = "only so is " + wish.bounded_by + " heeded";
    }
    if (!lacks.empty() && wish.how == MoveWay::atomic) {
      return Error::invalid_argument("--how atomic cannot be: " + lacks)
          .with_hint("leave --how out: then what cannot move atomically moves key by key");
    }
    move.way = lacks.empty() ? MoveWay::atomic : MoveWay::classic;
    move.why = lacks.empty() ? "both are " + kind_text(*view.by_pod(move.pod)) : std::move(lacks);
  }
  return {};
}

std::string way_text(const MoveSlots& move) {
  if (move.why.empty()) {
    return {};
  }
  return (move.way == MoveWay::atomic ? "atomically: " : "key by key: ") + move.why;
}

}  // namespace kredis::core
