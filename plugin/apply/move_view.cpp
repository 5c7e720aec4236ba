// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/move_view.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugin/apply/node_steps.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Member;
using core::MoveSlots;
using std::chrono::microseconds;
using namespace std::chrono_literals;

/// How long gossip has to settle who owns a slot before an epoch is raised for it.
constexpr auto k_settle = 5s;
/// And how long before it is clear that it will not: a node that has the slot marked believes
/// nobody.
constexpr auto k_split = 60s;

Result<std::size_t> place_of(const std::string& pod, const ClusterView& view) {
  const Member* member = view.by_pod(pod);
  if (member == nullptr || member->self() == nullptr) {
    return Error::unreachable(pod + " does not answer, so no slots can be moved to or from it")
        .with_hint("see why: " + core::status_command(view));
  }
  return static_cast<std::size_t>(member - view.members.data());
}

std::string not_owned(const Moves& moves, const ClusterView& view) {
  for (const MoveSlots* move : moves) {
    for (const Member& viewer : view.members) {
      // A pod that knows nobody is no part of the cluster, and hears of nothing.
      const bool hears = viewer.view && viewer.view->nodes().size() > 1;
      const core::Node* owner = hears ? viewer.view->find(move->target) : nullptr;
      if (hears && (owner == nullptr || !move->slots.without(owner->slots).empty())) {
        return viewer.pod.name + " does not see slots " + move->slots.to_text() + " at " +
               move->target_pod;
      }
    }
  }
  return {};
}

/// On a tie the new owner's epoch stays as it is, and a map may keep the old one for ever:
/// https://github.com/redis/redis/issues/3776
void raise_epochs(const Moves& moves, observe::Cluster& cluster, ports::Deadline deadline) {
  std::vector<std::vector<core::Command>> commands(cluster.view().members.size());
  for (const MoveSlots* move : moves) {
    if (const auto at = place_of(move->target_pod, cluster.view())) {
      commands[*at] = raise_epoch_commands();
    }
  }
  static_cast<void>(cluster.switchboard().ask_each(commands, deadline));
}

Error claimed_twice(const core::SlotSet& slots,
                    const Member& one,
                    const Member& other,
                    const ClusterView& view) {
  return Error::conflict("slots " + slots.to_text() + " are claimed by both " + one.pod.name +
                         " and " + other.pod.name)
      .with_hint("run the same command again; if it stays so, mend it: " +
                 core::redis_command(view, "fix"));
}

/// Where another master claims slots of an end, too, one of the two was replaced and has not heard
/// of it: the other's keys are the ones to keep, and what a replaced one takes is lost.
Status check_in_place(const MoveEnds& ends, const ClusterView& view) {
  const Member& source = view.members[ends.source];
  const Member& target = view.members[ends.target];
  for (const Member& member : view.members) {
    const core::Node* self = member.self();
    if (self == nullptr || self->role != core::Role::master || &member == &source ||
        &member == &target) {
      continue;
    }
    if (const auto left = self->slots.shared_with(ends.left); !left.empty()) {
      return claimed_twice(left, source, member, view);
    }
    const core::SlotSet taken = self->slots.shared_with(target.self()->slots);
    if (!taken.empty() && self->config_epoch > target.self()->config_epoch) {
      return claimed_twice(taken, target, member, view);
    }
  }
  return {};
}

}  // namespace

Result<MoveEnds> ends_of(const MoveSlots& move, const ClusterView& view) {
  MoveEnds ends;
  KREDIS_TRY(ends.source, place_of(move.pod, view));
  KREDIS_TRY(ends.target, place_of(move.target_pod, view));
  ends.left = move.slots.without(view.members[ends.target].self()->slots);
  const core::SlotSet foreign = ends.left.without(view.members[ends.source].self()->slots);
  if (!foreign.empty()) {
    return Error::conflict("slots " + foreign.to_text() + " are neither at " + move.pod +
                           " nor at " + move.target_pod)
        .with_hint("look again and plan anew: run the same command again");
  }
  KREDIS_CHECK(check_in_place(ends, view));
  return ends;
}

Status Probes::add(observe::Cluster& cluster, std::size_t at, ports::Deadline deadline) {
  if (!probes_.contains(at)) {
    KREDIS_TRY(auto line, cluster.switchboard().open(at, deadline));
    probes_[at] = std::make_unique<LatencyProbe>(std::move(line));
  }
  return {};
}

microseconds Probes::now(std::size_t at) const {
  const auto probe = probes_.find(at);
  return probe == probes_.end() ? 0us : probe->second->now();
}

microseconds Probes::usual(std::size_t at) const {
  constexpr auto k_moment = 500ms;
  const auto probe = probes_.find(at);
  return probe == probes_.end() ? 0us : probe->second->usual(k_moment);
}

microseconds Probes::worst() const {
  microseconds worst{0};
  for (const auto& [at, probe] : probes_) {
    worst = std::max(worst, probe->worst());
  }
  return worst;
}

std::string to_text(const MoveCount& count) {
  const double seconds = count.time.count();
  std::string text = std::to_string(count.slots) + " of " + std::to_string(count.all) +
                     " slots moved, " + core::counted(count.keys, "key");
  if (count.bytes > 0) {
    text += ", " + core::bytes_text(count.bytes);
  }
  if (seconds >= 1) {
    text +=
        ", " + std::to_string(std::llround(static_cast<double>(count.keys) / seconds)) + " keys/s";
    const double done = count.part.value_or(count.all == count.before
                                                ? 1
                                                : static_cast<double>(count.slots - count.before) /
                                                      (count.all - count.before));
    if (done > 0 && count.slots < count.all) {
      text += ", " + std::to_string(std::llround(seconds * (1 - done) / done)) + " s left";
    }
  }
  return text + ", clients waited " + std::to_string((count.worst.count() + 500) / 1000) +
         " ms at most";
}

std::optional<Error> is_to_end(const Conduct& conduct, const std::string& text) {
  if (conduct.is_cancelled()) {
    return conduct.ended_while(text);
  }
  if (conduct.now() >= conduct.end()) {
    return Error::timeout("it took too long: " + text)
        .with_hint("run the same command again: it goes on from here");
  }
  return std::nullopt;
}

Status wait_until_owned(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct) {
  const auto begin = conduct.now();
  bool raised = false;
  return wait_until(conduct, 100ms, [&]() -> Result<std::string> {
    cluster.ask(observe::Ask::topology, conduct.call_deadline());
    std::string missing = not_owned(moves, cluster.view());
    if (!missing.empty() && !raised && conduct.now() - begin > k_settle) {
      raise_epochs(moves, cluster, conduct.call_deadline());
      raised = true;
    }
    if (!missing.empty() && conduct.now() - begin > k_split) {
      return Error::conflict("the nodes do not come to agree: " + missing)
          .with_hint("mend that: " + core::redis_command(cluster.view(), "fix"));
    }
    return missing;
  });
}

}  // namespace kredis::plugin
