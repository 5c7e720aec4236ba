// SPDX-License-Identifier: Apache-2.0
//
// Slots that have no owner any more: nobody's, those of a master that is gone, and those of so many
// that nobody can vote.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "shared/core/plans/plan_failover.hpp"
#include "shared/core/plans/plan_fix_parts.hpp"
#include "shared/core/plans/plan_init.hpp"
#include "shared/core/plans/plan_node.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

/// A pod that has keys of a slot which nobody owns.
using Holders = std::vector<std::pair<const Member*, std::int64_t>>;

/// Who has keys of it: masters, and replicas whose master is not there to be asked.
Holders holders_of_keys(const Fixing& fixing, std::uint32_t slot) {
  Holders holders;
  for (const Member& member : fixing.view.members) {
    const Node* self = member.self();
    const std::int64_t keys = fixing.keys_on(slot, member);
    const bool counts = self != nullptr && keys > 0 &&
                        (self->role == Role::master || !self->master ||
                         fixing.view.by_id(*self->master) == nullptr);
    if (counts) {
      holders.emplace_back(&member, keys);
    }
  }
  return holders;
}

/// Slots without an owner of which the same pods have keys.
struct Orphans {
  SlotSet slots = {};
  std::map<const Member*, std::int64_t> keys = {};
};

std::string copies_text(const Orphans& orphans) {
  std::vector<std::string> copies;
  for (const auto& [member, keys] : orphans.keys) {
    copies.push_back("pod " + member->pod.name + " has " + counted(keys, "key"));
  }
  return list_of(copies);
}

void claim(Fixing& fixing, const Member& owner, const SlotSet& slots, Step step) {
  step.what = ClaimSlots{.pod = owner.pod.name, .node = owner.self()->id, .slots = slots};
  fixing.add(Stage{.title = "Give slots an owner", .steps = {std::move(step)}});
}

/// The copy of a master that all others forgot: its replica takes its place.
void let_replica_take_over(Fixing& fixing, const Member& replica, const Orphans& orphans) {
  const Node& self = *replica.self();
  if (!self.master) {
    fixing.refuse(Error::unsafe("pod " + replica.pod.name + ", a replica without a master, has " +
                                "the only keys of slots " + orphans.slots.to_text())
                      .with_hint("keep a copy of them, then see " + status_command(fixing.view)));
    return;
  }
  fixing.add(Stage{
      .title = "Let the replica of a lost master take over",
      .steps = {{.what = Failover{.pod = replica.pod.name,
                                  .replica = self.id,
                                  .master_pod = "node " + self.master->short_text(),
                                  .master = *self.master,
                                  .how = TakeOver::takeover},
                 .reason = "the others forgot its master, and cannot vote for it",
                 .risk = Risk::data,
                 .cost = "pod " + replica.pod.name + " serves slots " + orphans.slots.to_text() +
                         " with its " + counted(orphans.keys.at(&replica), "key") +
                         ": what it had not received from its master is lost"}}});
}

void keep_one_copy(Fixing& fixing, const Orphans& orphans) {
  const std::string slots = orphans.slots.to_text();
  const Member* kept = orphans.keys.begin()->first;
  if (orphans.keys.size() > 1) {
    kept = fixing.view.by_pod(fixing.wish.keep);
    if (kept == nullptr || !orphans.keys.contains(kept)) {
      fixing.refuse(Error::unsafe("several pods have keys of slots " + slots +
                                  ", which nobody owns: " + copies_text(orphans) +
                                  ". The newest is right, not the largest")
                        .with_hint("say whose values are kept where two have a key: " +
                                   redis_command(fixing.view, "fix") + " --keep POD"));
      return;
    }
  }
  if (kept->self()->role == Role::replica) {
    let_replica_take_over(fixing, *kept, orphans);
    return;
  }
  Step step{.reason = "it has the keys of these slots", .risk = Risk::data};
  step.cost = "slots " + slots + " get an owner: " + copies_text(orphans) +
              (orphans.keys.size() == 1
                   ? ", and no other pod has any. They are as old as they are"
                   : "; where two have a key, pod " + kept->pod.name + "'s value stays");
  claim(fixing, *kept, orphans.slots, std::move(step));
  Stage gather{.title = "Bring keys to their owner"};
  for (const auto& [member, keys] : orphans.keys) {
    if (member != kept && member->self()->role == Role::master) {
      gather.steps.push_back({.what = ReturnKeys{.pod = member->pod.name,
                                                 .owner_pod = kept->pod.name,
                                                 .owner = kept->self()->id,
                                                 .slots = orphans.slots,
                                                 .drops = true},
                              .reason = "keys that the owner lacks go to it"});
    }
  }
  fixing.add(std::move(gather));
}

/// Slots of which nobody has a key: to whoever others name, else in runs to whoever has fewest.
void deal_empty_slots(Fixing& fixing, SlotSet slots) {
  std::map<const Member*, std::uint32_t> load;
  for (const Member& member : fixing.view.members) {
    const Node* self = member.self();
    if (self != nullptr && self->role == Role::master && !self->slots.empty()) {
      load[&member] = self->slots.size();
    }
  }
  std::map<const Member*, SlotSet> dealt;
  for (const auto& [owner, named] : denied_slots(fixing.view)) {
    if (load.contains(owner)) {
      dealt[owner].insert(named.shared_with(slots));
      slots.erase(named);
    }
  }
  const std::uint32_t fair =
      k_slot_count / std::max<std::uint32_t>(1, static_cast<std::uint32_t>(load.size()));
  while (!slots.empty() && !load.empty()) {
    const auto poorest = std::ranges::min_element(load, {}, [](const auto& entry) {
      return std::pair{entry.second, entry.first};
    });
    const SlotRange run = slots.ranges().front();
    const std::uint32_t room = std::max(fair - std::min(fair, poorest->second), std::uint32_t{1});
    SlotSet part;
    part.insert(*SlotRange::make(run.first(), run.first() + std::min(room, run.size()) - 1));
    dealt[poorest->first].insert(part);
    poorest->second += part.size();
    slots.erase(part);
  }
  for (const auto& [owner, part] : dealt) {
    if (!part.empty()) {
      claim(fixing,
            *owner,
            part,
            {.reason = "nobody owns these slots, and no pod has a key of them"});
    }
  }
}

bool has_no_place(const Member& member) {
  const Node* self = member.self();
  return self != nullptr && self->role == Role::master && self->slots.empty();
}

/// The shape with the shard that is missing, where the slots of a whole one are nobody's and a pod
/// is there for it.
std::optional<Shape> shape_with_lost_shard(const ClusterView& view, const SlotSet& missing) {
  std::uint32_t owners = 0;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    owners += self != nullptr && self->role == Role::master && !self->slots.empty() ? 1U : 0U;
  }
  Shape shape = view.shape;
  if (shape.inferred) {  // A guess from the number of pods: no more than what is lost.
    shape.masters = std::min(shape.masters, owners + 1);
    shape.replicas = static_cast<std::uint32_t>(view.members.size()) / (owners + 1) - 1;
  }
  const bool is_whole = missing.size() >= k_slot_count / (owners + 1) / 2;
  const bool wanted =
      shape.masters > owners && is_whole && std::ranges::any_of(view.members, has_no_place);
  return wanted ? std::optional(shape) : std::nullopt;
}

/// Slots that nobody has a key of: those of a whole shard to a pod that takes its place.
void give_out(Fixing& fixing, const SlotSet& slots) {
  if (const auto shape = shape_with_lost_shard(fixing.view, slots)) {
    if (const auto joining = plan_init(fixing.view, *shape)) {
      fixing.add(Result<Plan>(*joining));
      return;
    }
  }
  deal_empty_slots(fixing, slots);
}

/// A master with slots that is away, and that no pod runs or will run again.
bool is_gone_for_good(const SeenNode& master) {
  return !master.node->slots.empty() && !is_there(master) && master.member == nullptr;
}

bool has_copy(const ShardView& shard) {
  return std::ranges::any_of(shard.replicas, [](const SeenNode& replica) {
    return replica.member != nullptr && replica.member->self() != nullptr;
  });
}

/// Every copy of a shard is gone: given up only by name, and only where all pods were heard.
void give_up(Fixing& fixing, const ShardView& shard) {
  const Node& node = *shard.master.node;
  const std::string id = node.id.short_text();
  if (const auto unseen = unseen_pods(fixing.view)) {
    fixing.refuse(unseen_error(
        *unseen, "may be node " + id + ", the owner of slots " + node.slots.to_text()));
    return;
  }
  if (!fixing.accepts_loss(node.id) && !fixing.accepts_loss(node.slots)) {
    fixing.refuse(
        Error::unsafe("every copy of slots " + node.slots.to_text() + " is gone with node " + id)
            .with_hint("bring back the pod whose claim holds that node, or restore a backup; to "
                       "go on without what was stored: " +
                       redis_command(fixing.view, "fix") + " --accept-loss " + id));
    return;
  }
  fixing.add(plan_node(fixing.view, {.what = NodeWish::What::forget, .id = node.id.to_text()}));
}

/// How long nobody that answers has heard of `master`, by the clocks of those who look; nothing
/// where they hear nobody else either.
std::optional<std::int64_t> silence_ms(const ClusterView& view, const NodeId& master) {
  std::optional<std::int64_t> least;
  for (const Member& viewer : view.members) {
    const Node* seen = viewer.view ? viewer.view->find(master) : nullptr;
    const std::int64_t silent = seen == nullptr ? 0 : unheard_ms(*viewer.view, *seen);
    if (silent > 0) {
      least = std::min(least.value_or(silent), silent);
    }
  }
  return least;
}

/// Whether nobody may wait for it any more; refuses where somebody should.
bool is_dead(Fixing& fixing, const ShardView& shard) {
  constexpr std::int64_t k_patience_ms = 45'000;
  const SeenNode& master = shard.master;
  if (master.member != nullptr && master.member->pod.running) {
    fixing.refuse(
        Error::unsafe("pod " + master.member->pod.name +
                      " runs and does not answer: it may serve clients")
            .with_hint("see why: " +
                       kubectl_command(fixing.view, "describe pod " + master.member->pod.name)));
    return false;
  }
  const auto silent = silence_ms(fixing.view, master.node->id);
  if (silent && *silent < k_patience_ms) {
    fixing.refuse(Error::unsafe("node " + master.node->id.short_text() + " is away for " +
                                std::to_string(*silent / 1000) + " s only")
                      .with_hint("it is waited for until 45 s have passed: run the same command "
                                 "again then"));
    return false;
  }
  return true;
}

}  // namespace

void fix_ownerless(Fixing& fixing) {
  SlotSet slots = uncovered_slots(fixing.view);
  for (const auto& [owner, denied] : denied_slots(fixing.view)) {
    slots.insert(denied);
  }
  if (const auto unseen = unseen_pods(fixing.view)) {
    fixing.refuse(unseen_error(*unseen, "may own slots " + slots.to_text()));
    return;
  }
  SlotSet empty;
  std::map<std::vector<const Member*>, Orphans> orphans;
  for (const SlotRange& range : slots.ranges()) {
    for (std::uint32_t slot = range.first(); slot <= range.last(); ++slot) {
      const Holders holders = holders_of_keys(fixing, slot);
      std::vector<const Member*> who;
      for (const auto& [member, keys] : holders) {
        who.push_back(member);
      }
      if (who.empty()) {
        empty.insert(one_slot(slot));
        continue;
      }
      Orphans& same = orphans[who];
      same.slots.insert(one_slot(slot));
      for (const auto& [member, keys] : holders) {
        same.keys[member] += keys;
      }
    }
  }
  for (const auto& [who, same] : orphans) {
    keep_one_copy(fixing, same);
  }
  if (!empty.empty()) {
    give_out(fixing, empty);
  }
}

void fix_failed_owners(Fixing& fixing) {
  for (const ShardView& shard : shards_of(fixing.view)) {
    if (!shard.master.node->flags.fail || shard.master.node->slots.empty()) {
      continue;
    }
    if (has_copy(shard)) {
      const auto hand_overs = plan_hand_overs(fixing.view,
                                              {.of = FailoverWish::Of::master,
                                               .name = shard.master.node->id.to_text(),
                                               .how = TakeOver::force});
      fixing.add(hand_overs ? Result<Plan>(plan_failover(*hand_overs))
                            : Result<Plan>(hand_overs.error()));
    } else if (is_gone_for_good(shard.master)) {
      give_up(fixing, shard);
    } else {
      const std::string& pod = shard.master.member->pod.name;
      fixing.refuse(
          Error::unreachable("pod " + pod + " has the only copy of slots " +
                             shard.master.node->slots.to_text() + ", and is away")
              .with_hint("bring it back: " + kubectl_command(fixing.view, "describe pod " + pod)));
    }
  }
}

void fix_majority(Fixing& fixing) {
  std::vector<HandOver> hand_overs;
  for (const ShardView& shard : shards_of(fixing.view)) {
    const SeenNode& master = shard.master;
    if (master.node->slots.empty() || is_there(master)) {
      continue;
    }
    if (master.member != nullptr && master.member->self() != nullptr) {
      fixing.add(
          plan_node(fixing.view, {.what = NodeWish::What::meet, .pod = master.member->pod.name}));
    } else if (!has_copy(shard)) {
      if (is_gone_for_good(master) && !master.node->flags.fail) {
        give_up(fixing, shard);  // One that counts as failed is told by itself.
      }
    } else if (is_dead(fixing, shard)) {
      auto made = plan_hand_overs(fixing.view,
                                  {.of = FailoverWish::Of::master,
                                   .name = master.node->id.to_text(),
                                   .how = TakeOver::takeover});
      if (!made) {
        fixing.refuse(made.error());
        continue;
      }
      hand_overs.insert(hand_overs.end(), made->begin(), made->end());
    }
  }
  if (hand_overs.empty()) {
    return;
  }
  const Plan plan = plan_failover(hand_overs);
  if (fixing.wish.takeover) {
    fixing.add(plan);
    return;
  }
  std::string costs;
  for (const std::string& cost : costs_of(plan)) {
    costs += (costs.empty() ? "" : "; ") + cost;
  }
  fixing.refuse(
      Error::unsafe("no majority is left to vote, and only a take-over without one helps: " + costs)
          .with_hint("bring a master back; where they are lost: " +
                     redis_command(fixing.view, "fix") + " --takeover"));
}

}  // namespace kredis::core
