// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_reshard.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

Result<SlotHolder*> holder_named(std::vector<SlotHolder>& holders, const std::string& name) {
  const auto found = std::ranges::find_if(holders, [&](const SlotHolder& each) {
    return each.pod == name || (name.size() >= 8 && each.node.to_text().starts_with(name));
  });
  if (found == holders.end()) {
    return Error::not_found("no master of this cluster is called " + quoted(name))
        .with_hint("give the pod of a master, as status shows it");
  }
  return &*found;
}

Result<std::vector<SlotHolder>> holders_named(std::vector<SlotHolder>& holders,
                                              const std::vector<std::string>& names) {
  std::vector<SlotHolder> found;
  for (const std::string& name : names) {
    KREDIS_TRY(SlotHolder * holder, holder_named(holders, name));
    if (std::ranges::find(found, holder->node, &SlotHolder::node) == found.end()) {
      found.push_back(*holder);
    }
  }
  return found;
}

double load_of(const SlotHolder& holder, const std::vector<double>& weighs) {
  if (weighs.empty()) {
    return holder.slots.size();
  }
  double load = 0;
  for (const std::uint32_t slot : holder.slots.numbers()) {
    load += weighs[slot];
  }
  return load;
}

/// Whether each has its share, give or take `percent` of it.
bool is_even(const std::vector<SlotHolder>& holders,
             const std::vector<double>& weighs,
             double percent) {
  double all = 0;
  double weights = 0;
  for (const SlotHolder& holder : holders) {
    all += load_of(holder, weighs);
    weights += holder.weight;
  }
  return std::ranges::all_of(holders, [&](const SlotHolder& holder) {
    const double share = all * holder.weight / weights;
    const bool emptied = holder.weight > 0 || holder.slots.empty();
    return emptied && std::abs(load_of(holder, weighs) - share) <=
                          std::max(share * percent / 100, weighs.empty() ? 1.0 : 0.0);
  });
}

Result<std::vector<MoveSlots>> checked(const ClusterView& view, std::vector<MoveSlots> moves) {
  KREDIS_CHECK(check_moves(view, moves));
  return moves;
}

}  // namespace

Result<std::vector<MoveSlots>> plan_rebalance(const ClusterView& view,
                                              const RebalanceWish& wish,
                                              const std::vector<double>& weighs) {
  KREDIS_TRY(std::vector<SlotHolder> holders, holders_of(view));
  for (const auto& weight : wish.weights) {
    KREDIS_TRY(SlotHolder * holder, holder_named(holders, weight.first));
    holder->weight = weight.second;
  }
  SlotWeight weight_of;
  if (!weighs.empty()) {
    weight_of = [&weighs](std::uint32_t slot) { return weighs[slot]; };
  }
  KREDIS_TRY(auto moves, moves_to_shares(holders, weight_of));
  return is_even(holders, weighs, wish.threshold_percent) ? std::vector<MoveSlots>{}
                                                          : checked(view, std::move(moves));
}

Result<std::vector<MoveSlots>> plan_reshard(const ClusterView& view, const ReshardWish& wish) {
  KREDIS_TRY(std::vector<SlotHolder> holders, holders_of(view));
  KREDIS_TRY(const auto to, holders_named(holders, wish.to));
  KREDIS_TRY(auto from, holders_named(holders, wish.from));
  const auto takes = [&](const SlotHolder& holder) {
    return std::ranges::find(to, holder.node, &SlotHolder::node) != to.end();
  };
  if (wish.from.empty()) {
    std::ranges::copy_if(
        holders, std::back_inserter(from), [&](const SlotHolder& each) { return !takes(each); });
  } else if (const auto both = std::ranges::find_if(from, takes); both != from.end()) {
    return Error::invalid_argument(both->pod + " is named by --from and by --to")
        .with_hint("a master either gives slots or takes them");
  }
  SlotSet slots = wish.slots;
  for (const SlotHolder& holder : to) {
    slots.erase(holder.slots);
  }
  if (!wish.slots.empty() && slots.empty()) {
    return std::vector<MoveSlots>{};
  }
  KREDIS_TRY(auto moves, moves_between(from, to, wish.count, slots));
  return checked(view, std::move(moves));
}

Status check_moves(const ClusterView& view, const std::vector<MoveSlots>& moves) {
  KREDIS_CHECK(check_memory(view, moves));
  for (const Member& member : view.members) {
    const Node* self = member.self();
    SlotSet left = self == nullptr ? SlotSet() : self->slots;
    if (left.empty()) {
      continue;
    }
    for (const MoveSlots& move : moves) {
      if (move.source == self->id) {
        left.erase(move.slots);
      }
    }
    if (left.empty()) {
      return Error::unsafe(member.pod.name + " would be left without slots")
          .with_hint("leave it some; fewer masters are made by: " + redis_command(view, "scale"));
    }
  }
  return {};
}

}  // namespace kredis::core
