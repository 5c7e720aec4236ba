// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_fix.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "shared/core/findings/finding.hpp"
#include "shared/core/open_slots.hpp"
#include "shared/core/plans/plan_fix_parts.hpp"
#include "shared/core/running_jobs.hpp"

namespace kredis::core {
namespace {

using FixPart = void (*)(Fixing&);

struct Mend {
  std::string_view finding;
  FixPart plan;
  int round;  ///< What has a higher one waits until nothing of a lower one is left to do.
};

/// In the order of mending. A node has to be reached before it is told anything; while a slot has
/// no owner no node may give keys away; and who owns what has to be clear before roles change.
constexpr Mend k_mends[] = {
    {"address-stale", &fix_addresses, 0},
    {"only-copy-outside", &fix_strays, 0},
    {"no-majority", &fix_majority, 1},
    {"slots-failed", &fix_failed_owners, 1},
    {"slots-denied", &fix_ownerless, 2},
    {"slots-uncovered", &fix_ownerless, 2},
    {"slots-open", &fix_open_slots, 3},
    {"views-disagree", &fix_owners, 3},
    {"twin-node", &fix_twins, 3},
    {"keys-astray", &fix_stray_keys, 4},
    {"replica-astray", &fix_astray, 5},
    {"ghost-node", &fix_places, 6},
    {"pod-outside", &fix_places, 6},
    {"master-without-slots", &fix_places, 6},
    {"no-masterauth", &fix_masterauth, 7},
    {"replica-link-down", &fix_replica_links, 7},
    {"no-replica", &fix_replica_counts, 8},
    {"replicas-uneven", &fix_replica_counts, 8},
    {"replica-no-failover", &fix_no_failover, 9},
    {"majority-on-one-node", &fix_spread, 10},
    {"majority-on-one-zone", &fix_spread, 10},
    {"masters-uneven", &fix_spread, 10},
};

bool asks_for(const FixWish& wish, std::string_view finding) {
  return wish.only.empty() || std::ranges::find(wish.only, finding) != wish.only.end();
}

}  // namespace

std::int64_t Fixing::keys_on(std::uint32_t slot, const Member& member) const {
  const auto counted_slot = keys.find(slot);
  if (counted_slot == keys.end()) {
    return 0;
  }
  const auto on = counted_slot->second.on.find(member.pod.name);
  return on == counted_slot->second.on.end() ? 0 : on->second;
}

bool Fixing::accepts_loss(const SlotSet& slots) const {
  SlotSet named;
  for (const std::string& word : wish.accept_loss) {
    if (const auto set = SlotSet::parse(word)) {
      named.insert(*set);
    }
  }
  return slots.without(named).empty();
}

bool Fixing::accepts_loss(const NodeId& node) const {
  constexpr std::size_t k_shortest_id = 8;
  return std::ranges::any_of(wish.accept_loss, [&](const std::string& word) {
    return word.size() >= k_shortest_id && node.to_text().starts_with(word);
  });
}

void Fixing::refuse(Error why) {
  plan.refused.push_back({.finding = finding, .why = std::move(why)});
}

void Fixing::add(Stage stage) {
  if (stage.steps.empty()) {
    return;
  }
  plan.stages.push_back(std::move(stage));
  if (plan.findings.empty() || plan.findings.back() != finding) {
    plan.findings.push_back(finding);
  }
}

void Fixing::add(const Result<Plan>& part) {
  if (!part) {
    refuse(part.error());
    return;
  }
  for (const Stage& stage : part->stages) {
    add(stage);
  }
}

Error unseen_error(const UnseenPods& unseen, const std::string& what) {
  return Error::unreachable(unseen.what + ", and " + what)
      .with_hint("wait for it, or see why: " + unseen.see);
}

SlotSet slots_to_count(const ClusterView& view) {
  SlotSet slots = uncovered_slots(view);
  SlotSet taken;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->role != Role::master) {
      continue;
    }
    slots.insert(self->slots.shared_with(taken));
    taken.insert(self->slots);
    for (const auto& [slot, keys] : member.stray_keys) {
      slots.insert(one_slot(slot));
    }
  }
  for (const OpenMove& open : open_moves(view)) {
    slots.insert(one_slot(open.slot));
  }
  for (const auto& [owner, denied] : denied_slots(view)) {
    slots.insert(denied);
  }
  return slots;
}

FixPlan plan_fix(const ClusterView& view, const KeyCounts& keys, const FixWish& wish) {
  if (const auto running = running_jobs(view); !running.empty()) {
    FixPlan waits;
    waits.refused.push_back(
        {.finding = "slots-moving",
         .why = job_runs(view, running.front(), "nothing is mended meanwhile")});
    return waits;
  }
  std::set<std::string> found;
  for (const Finding& finding : find_trouble(view)) {
    found.insert(finding.id);
  }
  Fixing fixing{.view = view, .keys = keys, .wish = wish};
  std::set<FixPart> done;
  int round = -1;
  for (const Mend& mend : k_mends) {
    if (mend.round > round && !fixing.plan.empty()) {
      break;
    }
    round = mend.round;
    // What one planner mends for several findings it plans once.
    if (found.contains(std::string(mend.finding)) && asks_for(wish, mend.finding) &&
        done.insert(mend.plan).second) {
      fixing.finding = mend.finding;
      mend.plan(fixing);
    }
  }
  return std::move(fixing.plan);
}

bool is_mendable(std::string_view finding) {
  return std::ranges::find(k_mends, finding, &Mend::finding) != std::end(k_mends);
}

}  // namespace kredis::core
