// SPDX-License-Identifier: Apache-2.0
//
// Slots that are half moved, and slots that nodes disagree about.
// https://redis.io/docs/latest/commands/cluster-setslot/
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "shared/core/open_slots.hpp"
#include "shared/core/plans/plan_fix_parts.hpp"
#include "shared/core/plans/plan_slots.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

using Pair = std::pair<const Member*, const Member*>;

/// What is to become of open slots, so that slots of one fate are one step.
struct Fates {
  std::map<const Member*, SlotSet> closed = {};  ///< The mark alone goes.
  std::map<Pair, SlotSet> finished = {};         ///< From, to.
  std::map<Pair, SlotSet> brought = {};          ///< From, to the owner.
};

/// The owner gives it away: on with it, or back where nothing went yet.
void decide_for_owner(Fixing& fixing, const OpenMove& open, Fates& fates) {
  if (open.to == nullptr) {
    if (const auto unseen = unseen_pods(fixing.view)) {
      fixing.refuse(unseen_error(
          *unseen, "may have keys of slot " + std::to_string(open.slot) + ", which is half moved"));
    } else {
      fates.closed[open.from].insert(one_slot(open.slot));
    }
    return;
  }
  const bool goes_on = open.to != open.from &&
                       (is_open_on(*open.to, open.slot) || fixing.keys_on(open.slot, *open.to) > 0);
  if (goes_on) {
    fates.finished[{open.from, open.to}].insert(one_slot(open.slot));
  } else {
    fates.closed[open.from].insert(one_slot(open.slot));
  }
}

/// `moves` are those of this slot.
void decide_for_slot(Fixing& fixing,
                     std::uint32_t slot,
                     const std::vector<OpenMove>& moves,
                     Fates& fates) {
  const std::vector<const Member*> owners = owners_of(fixing.view, slot);
  if (owners.size() != 1) {
    if (const auto unseen = unseen_pods(fixing.view); unseen && owners.empty()) {
      fixing.refuse(
          unseen_error(*unseen, "may own slot " + std::to_string(slot) + ", which is open"));
    }
    return;  // Who owns it is to be mended first, and is a finding of its own.
  }
  const Member& owner = *owners.front();
  const auto leaving = std::ranges::find_if(
      moves, [&](const OpenMove& open) { return open.given && open.from == &owner; });
  const bool leaves = leaving != moves.end();
  if (leaves) {
    decide_for_owner(fixing, *leaving, fates);
  } else if (is_open_on(owner, slot)) {
    fates.closed[&owner].insert(one_slot(slot));  // It takes over what it has.
  }
  for (const Member& member : fixing.view.members) {
    const Node* self = member.self();
    const bool concerns = self != nullptr && self->role == Role::master && &member != &owner &&
                          !(leaves && &member == leaving->to) && is_open_on(member, slot);
    if (!concerns) {
      continue;
    }
    if (fixing.keys_on(slot, member) == 0) {
      fates.closed[&member].insert(one_slot(slot));
    } else if (!leaves) {
      // While the owner gives the slot away it takes no keys of it: then that comes first.
      fates.brought[{&member, &owner}].insert(one_slot(slot));
    }
  }
}

/// A mark that only a replica keeps, where no word of its master reaches it.
void refuse_cut_off_marks(Fixing& fixing) {
  for (const Member& member : fixing.view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->role != Role::replica || !self->master) {
      continue;
    }
    const Member* master = fixing.view.by_id(*self->master);
    const bool follows = member.server && member.server->master_link_up;
    for (const OpenSlot& open : follows ? std::vector<OpenSlot>{} : self->open_slots) {
      if (master != nullptr && !is_open_on(*master, open.slot)) {
        fixing.refuse(Error::conflict("pod " + member.pod.name + " keeps a mark of slot " +
                                      std::to_string(open.slot) +
                                      " that its master does not have, and does not follow it")
                          .with_hint("once it follows, run the same command again"));
      }
    }
  }
}

std::int64_t keys_in(const Fixing& fixing, const SlotSet& slots, const Member& member) {
  std::int64_t keys = 0;
  for (const auto& [slot, counts] : fixing.keys) {
    const auto on = counts.on.find(member.pod.name);
    keys += slots.contains(slot) && on != counts.on.end() ? on->second : 0;
  }
  return keys;
}

std::int64_t other_values_in(const Fixing& fixing, const SlotSet& slots, const Member& member) {
  std::int64_t keys = 0;
  for (const auto& [slot, counts] : fixing.keys) {
    const auto on = counts.other_values.find(member.pod.name);
    keys += slots.contains(slot) && on != counts.other_values.end() ? on->second : 0;
  }
  return keys;
}

/// The keys of `from` to the owner; refused where some would have to be dropped and nobody said so.
Stage bring_back(Fixing& fixing, const Member& from, const Member& owner, const SlotSet& slots) {
  const std::int64_t keys = keys_in(fixing, slots, from);
  const std::int64_t others = other_values_in(fixing, slots, from);
  const std::string here =
      counted(keys, "key") + " of slots " + slots.to_text() + " on pod " + from.pod.name;
  Stage stage{.title = "Bring keys to their owner"};
  if (others > 0 && !fixing.accepts_loss(slots)) {
    fixing.refuse(
        Error::unsafe("of the " + here + ", " + std::to_string(others) +
                      " are on their owner, too, pod " + owner.pod.name + " (" +
                      counted(keys_in(fixing, slots, owner), "key") + "), with another value")
            .with_hint(
                "to keep the owner's, which is what clients are served, and lose the others: " +
                redis_command(fixing.view, "fix") + " --accept-loss " + slots.to_text()));
    return stage;
  }
  Step step{.what = ReturnKeys{.pod = from.pod.name,
                               .owner_pod = owner.pod.name,
                               .owner = owner.self()->id,
                               .slots = slots,
                               .drops = others > 0},
            .reason = "the " + here + " are not where clients look for them"};
  if (others > 0) {
    step.risk = Risk::data;
    step.cost = "of the " + here + ", " + std::to_string(others) + " go: pod " + owner.pod.name +
                ", the owner, keeps its own values of them";
  }
  stage.steps.push_back(std::move(step));
  return stage;
}

/// Says at each master that sees it otherwise who the owner is; replicas hear it by gossip.
void name_owner(const ClusterView& view,
                const Member& owner,
                const SlotSet& slots,
                Stage& assign,
                std::set<const Member*>& raised) {
  bool disagreed = false;
  for (const Member& viewer : view.members) {
    const Node* seen = viewer.view ? viewer.view->find(owner.self()->id) : nullptr;
    const SlotSet lacking = seen == nullptr ? SlotSet{} : slots.without(seen->slots);
    if (&viewer == &owner || lacking.empty()) {
      continue;
    }
    disagreed = true;
    if (viewer.self() != nullptr && viewer.self()->role == Role::master) {
      assign.steps.push_back({.what = AssignSlots{.pod = viewer.pod.name,
                                                  .node_pod = owner.pod.name,
                                                  .node = owner.self()->id,
                                                  .slots = lacking},
                              .reason = "its map names another owner than the one that says so"});
    }
  }
  if (disagreed) {
    raised.insert(&owner);
  }
}

/// The one that nodes will believe in the end: the higher epoch, and of two alike the one whose id
/// comes first, since that one raises its own.
const Member* rightful(const Member* one, const Member* other) {
  const std::uint64_t mine = one->self()->config_epoch;
  const std::uint64_t theirs = other->self()->config_epoch;
  if (mine != theirs) {
    return mine > theirs ? one : other;
  }
  return one->self()->id < other->self()->id ? one : other;
}

/// Slots that two say are theirs, by who is right and who is not.
std::map<Pair, SlotSet> claimed_twice(const ClusterView& view) {
  std::map<Pair, SlotSet> twice;
  for (const Member& one : view.members) {
    for (const Member& other : view.members) {
      const bool both = one.self() != nullptr && other.self() != nullptr && &one < &other &&
                        one.self()->id != other.self()->id && one.self()->role == Role::master &&
                        other.self()->role == Role::master;
      const SlotSet shared = both ? one.self()->slots.shared_with(other.self()->slots) : SlotSet{};
      if (!shared.empty()) {
        const Member* winner = rightful(&one, &other);
        twice[{winner == &one ? &other : &one, winner}].insert(shared);
      }
    }
  }
  return twice;
}

/// Pods that do not know one another are introduced: nothing else tells them who owns what.
Stage introductions(const ClusterView& view) {
  Stage stage{.title = "Introduce nodes that do not know each other"};
  for (const Member& viewer : view.members) {
    for (const Member& other : view.members) {
      const bool both = viewer.self() != nullptr && other.self() != nullptr &&
                        viewer.view->nodes().size() > 1 && other.view->nodes().size() > 1;
      if (both && viewer.view->find(other.self()->id) == nullptr) {
        stage.steps.push_back({.what = Meet{.pod = viewer.pod.name, .other = other.pod.name},
                               .reason = viewer.pod.name + " does not know it"});
      }
    }
  }
  return stage;
}

/// Who has a slot marked believes nobody about its owner, and is down while it knows of none: then
/// it neither gives nor takes a key of any slot. So it is told before all else.
Stage name_owners_of_open(const ClusterView& view) {
  std::map<Pair, SlotSet> lacking;
  for (const OpenMove& open : open_moves(view)) {
    const std::vector<const Member*> owners = owners_of(view, open.slot);
    for (const Member* marked : {open.from, open.to}) {
      const bool may_lack = owners.size() == 1 && marked != nullptr && marked != owners.front();
      const Node* seen = may_lack ? marked->view->find(owners.front()->self()->id) : nullptr;
      if (seen != nullptr && !seen->slots.contains(open.slot)) {
        lacking[{marked, owners.front()}].insert(one_slot(open.slot));
      }
    }
  }
  Stage stage{.title = "Tell the nodes with half-moved slots whose these are"};
  for (const auto& [ends, slots] : lacking) {
    stage.steps.push_back({.what = AssignSlots{.pod = ends.first->pod.name,
                                               .node_pod = ends.second->pod.name,
                                               .node = ends.second->self()->id,
                                               .slots = slots},
                           .reason = "it does not name their owner"});
  }
  return stage;
}

}  // namespace

void fix_open_slots(Fixing& fixing) {
  fixing.add(name_owners_of_open(fixing.view));
  std::map<std::uint32_t, std::vector<OpenMove>> open;
  for (const OpenMove& move : open_moves(fixing.view)) {
    open[move.slot].push_back(move);
  }
  Fates fates;
  for (const auto& [slot, moves] : open) {
    decide_for_slot(fixing, slot, moves, fates);
  }
  for (const auto& [master, slots] : stale_marks(fixing.view)) {
    fates.closed[master].insert(slots);
  }
  refuse_cut_off_marks(fixing);
  for (const auto& [ends, slots] : fates.brought) {
    fixing.add(bring_back(fixing, *ends.first, *ends.second, slots));
  }
  Stage close{.title = "Close slots that are half moved"};
  for (const auto& [member, slots] : fates.closed) {
    close.steps.push_back({.what = StabiliseSlots{.pod = member->pod.name, .slots = slots},
                           .reason = "no key of them is where it does not belong"});
  }
  fixing.add(std::move(close));
  Stage finish{.title = "Finish moves of slots"};
  for (const auto& [ends, slots] : fates.finished) {
    const auto& [from, to] = ends;
    finish.steps.push_back({.what = MoveSlots{.pod = from->pod.name,
                                              .source = from->self()->id,
                                              .target_pod = to->pod.name,
                                              .target = to->self()->id,
                                              .slots = slots},
                            .reason = counted(keys_in(fixing, slots, *from), "key") + " to go, " +
                                      counted(keys_in(fixing, slots, *to), "key") + " there"});
  }
  fixing.add(std::move(finish));
}

void fix_stray_keys(Fixing& fixing) {
  std::map<Pair, SlotSet> brought;
  for (const Member& member : fixing.view.members) {
    for (const auto& [slot, keys] : member.stray_keys) {
      const std::vector<const Member*> owners = owners_of(fixing.view, slot);
      // Without one owner there is another finding, which comes first.
      if (owners.size() == 1 && owners.front() != &member) {
        brought[{&member, owners.front()}].insert(one_slot(slot));
      }
    }
  }
  for (const auto& [ends, slots] : brought) {
    fixing.add(bring_back(fixing, *ends.first, *ends.second, slots));
  }
}

void fix_owners(Fixing& fixing) {
  const ClusterView& view = fixing.view;
  if (clusters_in(view).size() > 1) {
    fixing.refuse(Error::unsafe("the pods are of two clusters that know nothing of each other")
                      .with_hint("see which: " + status_command(view)));
    return;
  }
  Stage assign{.title = "Have all nodes name the same owners"};
  // What is half moved has another owner once this round has finished it.
  SlotSet moving;
  for (const OpenMove& open : open_moves(view)) {
    moving.insert(owners_of(view, open.slot).size() == 1 ? one_slot(open.slot) : SlotSet{});
  }
  std::set<const Member*> raised;
  bool held = false;
  for (const auto& [ends, slots] : claimed_twice(view)) {
    const auto& [loser, winner] = ends;
    if (keys_in(fixing, slots, *loser) > 0) {
      const std::size_t before = fixing.plan.refused.size();
      fixing.add(bring_back(fixing, *loser, *winner, slots));
      held = held || fixing.plan.refused.size() > before;
    }
    raised.insert(winner);
  }
  if (held) {
    return;  // To raise the epoch would have the other one delete its keys.
  }
  fixing.add(introductions(view));
  for (const Member& owner : view.members) {
    const Node* self = owner.self();
    if (self == nullptr || self->role != Role::master || self->slots.empty()) {
      continue;
    }
    SlotSet rightly = self->slots.without(moving);
    for (const auto& [ends, slots] : claimed_twice(view)) {
      rightly.erase(ends.first == &owner ? slots : SlotSet{});
    }
    name_owner(view, owner, rightly, assign, raised);
  }
  for (const Member* owner : raised) {
    assign.steps.push_back({.what = BumpEpoch{.pod = owner->pod.name},
                            .reason = "its claim has the highest epoch, and is to win everywhere"});
  }
  fixing.add(std::move(assign));
}

}  // namespace kredis::core
