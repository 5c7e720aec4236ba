// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/taker_epochs.hpp"

#include <algorithm>
#include <set>

namespace kredis::plugin {
namespace {

using core::Command;
using core::Member;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// How long takers are given, and when they are asked again.
constexpr auto k_hearsay = 3s;
constexpr auto k_ask_again = 250ms;

/// Not so where two raised theirs at the same time, until they hear of each other: then one of them
/// raises it again, above all others.
bool epochs_differ(const core::ClusterView& view) {
  std::set<std::uint64_t> epochs;
  for (const Member& member : view.members) {
    const core::Node* self = member.self();
    if (self == nullptr ||
        (self->role == core::Role::master && !epochs.insert(self->config_epoch).second)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status TakerEpochs::raise() {
  const core::ClusterView& view = cluster_.view();
  raises_.resize(view.members.size());
  for (const core::MoveSlots* move : moves_) {
    KREDIS_TRY(const MoveEnds ends, ends_of(*move, view));
    const Member& target = view.members[ends.target];
    const std::uint64_t given = view.members[ends.source].self()->config_epoch;
    if (target.self()->config_epoch <= given && !ends.left.empty()) {
      raises_[ends.target] = {{"CLUSTER", "BUMPEPOCH"}};
      above_.emplace_back(move->target, given);
    }
  }
  asked_ = steady_clock::now();
  until_ = asked_ + k_hearsay;
  static_cast<void>(cluster_.switchboard().ask_each(raises_, conduct_.call_deadline()));
  return {};
}

bool TakerEpochs::all_know() const {
  for (const Member& member : cluster_.view().members) {
    for (const auto& [target, given] : above_) {
      const core::Node* seen = member.view ? member.view->find(target) : nullptr;
      if (seen != nullptr && seen->config_epoch <= given) {
        return false;
      }
    }
  }
  return true;
}

bool TakerEpochs::are_heard() {
  if (above_.empty()) {
    return true;
  }
  cluster_.ask(observe::Ask::topology, conduct_.call_deadline());
  const auto now = steady_clock::now();
  if ((all_know() && epochs_differ(cluster_.view())) || now > until_) {
    return true;
  }
  if (now - asked_ > k_ask_again) {
    asked_ = now;
    static_cast<void>(cluster_.switchboard().ask_each(raises_, conduct_.call_deadline()));
  }
  return false;
}

}  // namespace kredis::plugin
