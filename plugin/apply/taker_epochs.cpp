// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/taker_epochs.hpp"

#include <algorithm>

#include "plugin/apply/node_steps.hpp"

namespace kredis::plugin {
namespace {

using core::Member;
using namespace std::chrono_literals;

constexpr auto k_ask_again = 250ms;
/// Gossip goes to every node once in half of cluster-node-timeout, which is 15 s.
constexpr auto k_hearsay = 15s;

/// Whether another master has the same: two raised theirs at the same time, and one of them will
/// raise it again as they hear of each other.
bool is_shared(std::uint64_t epoch, const core::ClusterView& view) {
  return std::ranges::count_if(view.members, [&](const Member& member) {
           const core::Node* self = member.self();
           return self != nullptr && self->role == core::Role::master &&
                  self->config_epoch == epoch;
         }) > 1;
}

}  // namespace

Status TakerEpochs::raise() {
  for (const core::MoveSlots* move : moves_) {
    KREDIS_TRY(MoveEnds ends, ends_of(*move, cluster_.view()));
    if (!ends.left.empty()) {
      pairs_.push_back(std::move(ends));
    }
  }
  began_ = conduct_.now();
  if (!unheard().empty()) {
    ask_takers();
  }
  return {};
}

void TakerEpochs::ask_takers() {
  asked_ = conduct_.now();
  for (const std::size_t taker : low_) {
    static_cast<void>(
        cluster_.switchboard().ask_one(taker, raise_epoch_commands(), conduct_.call_deadline()));
  }
}

/// Who has not heard of what; empty: all know.
std::string TakerEpochs::unheard() {
  const core::ClusterView& view = cluster_.view();
  std::string who;
  low_.clear();
  for (const MoveEnds& ends : pairs_) {
    const Member& target = view.members[ends.target];
    const core::Node* giver = view.members[ends.source].self();
    const core::Node* taker = target.self();
    if (giver == nullptr || taker == nullptr) {
      who = (taker == nullptr ? target : view.members[ends.source]).pod.name + " does not answer";
      continue;
    }
    if (taker->config_epoch <= giver->config_epoch) {
      low_.insert(ends.target);
      who = target.pod.name + " has no epoch above " + view.members[ends.source].pod.name + "'s";
    }
    if (is_shared(taker->config_epoch, view) || is_shared(giver->config_epoch, view)) {
      who = target.pod.name + " or " + view.members[ends.source].pod.name +
            " has the same epoch as another master";
    }
    for (const Member& member : view.members) {
      const core::Node* seen = member.view ? member.view->find(taker->id) : nullptr;
      if (seen != nullptr && seen->config_epoch <= giver->config_epoch) {
        who = member.pod.name + " has not heard of " + target.pod.name + "'s epoch";
      }
    }
  }
  return who;
}

Result<bool> TakerEpochs::are_heard() {
  if (pairs_.empty()) {
    return true;
  }
  cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
  const std::string who = unheard();
  const auto now = conduct_.now();
  if (now - began_ > k_hearsay && !who.empty()) {
    return Error::conflict(who + ", so masters might vote for a replica that takes slots back")
        .with_hint(
            "see whether the nodes reach each other's bus ports, and run the same command "
            "again: it goes on from there");
  }
  if (!who.empty() && now - asked_ > k_ask_again) {
    ask_takers();
  }
  return who.empty();
}

}  // namespace kredis::plugin
