// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_slots.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "shared/core/open_slots.hpp"
#include "shared/core/plans/move_way.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {
namespace {

/// What each holder is to have of `total`, in whole slots. What does not come out even goes to who
/// would give the most away else, so that fewer slots move.
std::vector<std::int64_t> whole_shares(const std::vector<SlotHolder>& holders,
                                       std::uint32_t total,
                                       double weights) {
  std::vector<std::int64_t> shares;
  std::vector<std::size_t> order(holders.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> exact;
  for (const SlotHolder& holder : holders) {
    exact.push_back(total * holder.weight / weights);
    shares.push_back(static_cast<std::int64_t>(std::floor(exact.back() + 1e-9)));
  }
  const auto over = [&](std::size_t at) {
    return static_cast<double>(holders[at].slots.size()) - exact[at];
  };
  std::erase_if(
      order, [&](std::size_t at) { return exact[at] - static_cast<double>(shares[at]) <= 1e-9; });
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return over(a) > over(b); });
  auto left = static_cast<std::int64_t>(total) -
              std::accumulate(shares.begin(), shares.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0 && i < order.size(); ++i, --left) {
    ++shares[order[i]];
  }
  return shares;
}

/// Moves as they come together, by source and target.
class MoveList {
 public:
  explicit MoveList(const std::vector<SlotHolder>& holders) : holders_(holders) {}

  void add(std::size_t from, std::size_t to, std::uint32_t slot) {
    slots_[{from, to}].insert(one_slot(slot));
  }
  std::vector<MoveSlots> take() {
    std::vector<MoveSlots> moves;
    for (auto& [ends, slots] : slots_) {
      moves.push_back({.pod = holders_[ends.first].pod,
                       .source = holders_[ends.first].node,
                       .target_pod = holders_[ends.second].pod,
                       .target = holders_[ends.second].node,
                       .slots = std::move(slots)});
    }
    return moves;
  }

 private:
  const std::vector<SlotHolder>& holders_;
  std::map<std::pair<std::size_t, std::size_t>, SlotSet> slots_ = {};
};

std::vector<MoveSlots> moves_by_number(const std::vector<SlotHolder>& holders, double weights) {
  std::uint32_t total = 0;
  for (const SlotHolder& holder : holders) {
    total += holder.slots.size();
  }
  const std::vector<std::int64_t> shares = whole_shares(holders, total, weights);
  MoveList moves(holders);
  std::size_t taker = 0;
  std::vector<std::int64_t> lacks;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    lacks.push_back(shares[i] - static_cast<std::int64_t>(holders[i].slots.size()));
  }
  for (std::size_t giver = 0; giver < holders.size(); ++giver) {
    std::vector<std::uint32_t> slots = holders[giver].slots.numbers();
    for (std::int64_t spare = -lacks[giver]; spare > 0; --spare) {
      while (lacks[taker] <= 0) {
        ++taker;
      }
      moves.add(giver, taker, slots.back());
      slots.pop_back();
      --lacks[taker];
    }
  }
  return moves.take();
}

/// The heaviest slots first that fit both what the giver has too much and what a taker lacks.
std::vector<MoveSlots> moves_by_weight(const std::vector<SlotHolder>& holders,
                                       double weights,
                                       const SlotWeight& weight_of) {
  std::vector<double> loads(holders.size(), 0);
  double all = 0;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    for (const std::uint32_t slot : holders[i].slots.numbers()) {
      loads[i] += weight_of(slot);
    }
    all += loads[i];
  }
  std::vector<double> lacks;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    lacks.push_back(all * holders[i].weight / weights - loads[i]);
  }
  MoveList moves(holders);
  for (std::size_t giver = 0; giver < holders.size(); ++giver) {
    std::vector<std::uint32_t> slots = holders[giver].slots.numbers();
    std::ranges::stable_sort(
        slots, [&](std::uint32_t a, std::uint32_t b) { return weight_of(a) > weight_of(b); });
    for (const std::uint32_t slot : slots) {
      const double weight = weight_of(slot);
      const auto taker = static_cast<std::size_t>(std::ranges::max_element(lacks) - lacks.begin());
      // Who is to have nothing gives what weighs nothing, too.
      const bool empties = holders[giver].weight <= 0;
      if (!empties && (weight <= 0 || lacks[giver] + weight > weight / 2)) {
        continue;
      }
      if (taker == giver || (!empties && lacks[taker] < weight / 2)) {
        continue;
      }
      moves.add(giver, taker, slot);
      lacks[giver] += weight;
      lacks[taker] -= weight;
    }
  }
  return moves.take();
}

}  // namespace

Result<std::vector<MoveSlots>> moves_to_shares(const std::vector<SlotHolder>& holders,
                                               const SlotWeight& weight_of) {
  double weights = 0;
  for (const SlotHolder& holder : holders) {
    if (!(holder.weight >= 0) || !std::isfinite(holder.weight)) {
      return Error::invalid_argument("the weight of " + holder.pod + " is no number from 0 on");
    }
    weights += holder.weight;
  }
  if (!(weights > 0) || !std::isfinite(weights)) {
    return Error::invalid_argument("the weights sum to nothing, so nobody would have the slots");
  }
  return weight_of ? moves_by_weight(holders, weights, weight_of)
                   : moves_by_number(holders, weights);
}

Result<std::vector<MoveSlots>> moves_between(const std::vector<SlotHolder>& from,
                                             const std::vector<SlotHolder>& to,
                                             std::uint32_t count,
                                             const SlotSet& slots) {
  if (from.empty() || to.empty()) {
    return Error::invalid_argument("slots move from at least one master to at least one other");
  }
  std::vector<SlotHolder> all = from;
  all.insert(all.end(), to.begin(), to.end());
  SlotSet held;
  for (const SlotHolder& holder : from) {
    held.insert(holder.slots);
  }
  if (const SlotSet foreign = slots.without(held); !foreign.empty()) {
    return Error::invalid_argument("slots " + foreign.to_text() +
                                   " are at none of those that give");
  }
  if (slots.empty() && count > held.size()) {
    return Error::invalid_argument(std::to_string(count) +
                                   " slots are to move, and those that give have " +
                                   std::to_string(held.size()));
  }
  const std::uint32_t number = slots.empty() ? count : slots.size();
  MoveList moves(all);
  std::uint32_t moved = 0;
  std::uint32_t seen = 0;
  for (std::size_t giver = 0; giver < from.size(); ++giver) {
    std::vector<std::uint32_t> own =
        (slots.empty() ? from[giver].slots : slots.shared_with(from[giver].slots)).numbers();
    seen += static_cast<std::uint32_t>(own.size());
    // Each gives in the measure of what it has; rounding is carried on to the next.
    const std::uint32_t total = slots.empty() ? held.size() : number;
    const auto until = static_cast<std::uint32_t>(std::uint64_t{number} * seen / total);
    for (; moved < until; ++moved) {
      const auto taker = static_cast<std::size_t>(std::uint64_t{moved} * to.size() / number);
      moves.add(giver, from.size() + taker, own.back());
      own.pop_back();
    }
  }
  return moves.take();
}

Result<std::vector<SlotHolder>> holders_of(const ClusterView& view) {
  const Topology* agreed = view.agreed();
  if (agreed == nullptr) {
    return nobody_answers(view);
  }
  for (const Member& member : view.members) {
    if (member.self() != nullptr && !member.self()->open_slots.empty()) {
      return Error::unsafe("slot " + std::to_string(member.self()->open_slots.front().slot) +
                           " of " + member.pod.name + " is half moved already")
          .with_hint("finish that first: " + redis_command(view, "fix"));
    }
  }
  if (const SlotSet lost = SlotSet::all().without(served_slots(view)); !lost.empty()) {
    return Error::unsafe("slots " + lost.to_text() + " are not served")
        .with_hint("see why: " + status_command(view));
  }
  for (const Node* master : agreed->masters()) {
    if (!master->slots.empty() && view.by_id(master->id) == nullptr) {
      const Member* silent = view.by_node(*master);
      return Error::conflict(
                 (silent == nullptr ? "node " + master->id.short_text() : silent->pod.name) +
                 ", a master of slots, does not answer")
          .with_hint("see why, and run the same command again when it does: " +
                     status_command(view));
    }
  }
  std::vector<SlotHolder> holders;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    const Node* seen = self == nullptr ? nullptr : agreed->find(self->id);
    if (seen == nullptr || (seen->role != Role::master && self->role != Role::master)) {
      continue;
    }
    // One of the two is behind: leaving the node out would deal out the slots of the others alone.
    if (seen->role != self->role || !(seen->slots == self->slots)) {
      return Error::conflict("the nodes do not agree on the slots of " + member.pod.name)
          .with_hint("mend that first: " + redis_command(view, "fix"));
    }
    holders.push_back({.pod = member.pod.name, .node = self->id, .slots = self->slots});
  }
  return holders;
}

void add_move(std::vector<MoveSlots>& moves, MoveSlots one) {
  const auto same = std::ranges::find_if(moves, [&](const MoveSlots& each) {
    return each.source == one.source && each.target == one.target;
  });
  if (same == moves.end()) {
    moves.push_back(std::move(one));
  } else {
    same->slots.insert(one.slots);
  }
}

std::vector<MoveSlots> half_moved(const ClusterView& view) {
  std::vector<MoveSlots> moves;
  for (const OpenMove& open : half_moves(view)) {
    add_move(moves,
             {.pod = open.from->pod.name,
              .source = open.from->self()->id,
              .target_pod = open.to->pod.name,
              .target = open.to->self()->id,
              .slots = one_slot(open.slot)});
  }
  return moves;
}

std::map<const Member*, SlotSet> stale_marks(const ClusterView& view) {
  std::map<const Member*, SlotSet> stale;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    const bool follows = self != nullptr && self->role == Role::replica && self->master &&
                         member.server && member.server->master_link_up;
    const Member* master = follows ? view.by_id(*self->master) : nullptr;
    // Of a replica's replica the servers make the master's, which closes all.
    const bool is_one = master != nullptr && master->self()->role == Role::master;
    for (const OpenSlot& open : is_one ? self->open_slots : std::vector<OpenSlot>{}) {
      if (!is_open_on(*master, open.slot)) {
        stale[master].insert(one_slot(open.slot));
      }
    }
  }
  return stale;
}

Stage close_stale_marks(const ClusterView& view) {
  Stage stage{.title = "Close marks that only replicas keep"};
  for (const auto& [master, slots] : stale_marks(view)) {
    stage.steps.push_back({.what = StabiliseSlots{.pod = master->pod.name, .slots = slots},
                           .reason = "its replicas have them half moved, and it has not"});
  }
  return stage;
}

Status check_memory(const ClusterView& view, const std::vector<MoveSlots>& moves) {
  std::map<std::string, double> comes;
  for (const MoveSlots& move : moves) {
    const Member* from = view.by_pod(move.pod);
    if (from != nullptr && from->self() != nullptr && from->server &&
        !from->self()->slots.empty()) {
      const double each =
          static_cast<double>(from->server->used_memory_bytes) / from->self()->slots.size();
      comes[move.target_pod] += each * move.slots.size();
    }
  }
  for (const auto& [pod, bytes] : comes) {
    const Member* to = view.by_pod(pod);
    if (to == nullptr || !to->server || to->server->max_memory_bytes == 0) {
      continue;
    }
    const auto then = to->server->used_memory_bytes + static_cast<std::int64_t>(bytes);
    if (then > to->server->max_memory_bytes) {
      return Error::unsafe(pod + " would have about " + bytes_text(then) +
                           ", and its maxmemory is " + bytes_text(to->server->max_memory_bytes))
          .with_hint("move fewer slots, give it more memory, or take more masters: " +
                     redis_command(view, "scale"));
    }
  }
  return {};
}

std::vector<Stage> stages_of(std::vector<MoveSlots> moves, const std::string& reason) {
  if (moves.empty()) {
    return {};
  }
  std::uint32_t slots = 0;
  for (const MoveSlots& move : moves) {
    slots += move.slots.size();
  }
  Stage stage{.title = "Move " + counted(slots, "slot"), .done = counted(slots, "slot") + " moved"};
  for (MoveSlots& move : moves) {
    const std::string way = way_text(move);
    stage.steps.push_back(
        {.what = std::move(move), .reason = reason + (way.empty() ? "" : "; " + way)});
  }
  return {std::move(stage)};
}

}  // namespace kredis::core
