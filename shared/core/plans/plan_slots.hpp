// SPDX-License-Identifier: Apache-2.0
//
// Which slots move from which masters to which, so that each has its share. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

/// A master, or a node that is to be one: what it has and how much it is to have.
struct SlotHolder {
  std::string pod;
  NodeId node;
  SlotSet slots = {};
  double weight = 1;  ///< 0: it is to have none.
};

/// How much a slot counts; by default all the same.
using SlotWeight = std::function<double(std::uint32_t slot)>;

/// The fewest slots that give each holder its share: who has more gives, who has less takes, and
/// nobody does both. Without `weight_of` shares are of numbers of slots, exact to one slot; with it
/// of weights, as near as whole slots come. Runs of neighbours stay together where they can.
/// Deterministic. Errors: invalid_argument (no holder, a weight below zero or all zero).
Result<std::vector<MoveSlots>> moves_to_shares(const std::vector<SlotHolder>& holders,
                                               const SlotWeight& weight_of = {});

/// `count` slots (or exactly `slots`, where that is not empty) from `from` to `to`, in equal parts.
/// Errors: invalid_argument (they have not so many; a slot that none of `from` has).
Result<std::vector<MoveSlots>> moves_between(const std::vector<SlotHolder>& from,
                                             const std::vector<SlotHolder>& to,
                                             std::uint32_t count,
                                             const SlotSet& slots);

/// The masters that serve slots or have none, as holders, in ordinal order. Errors: conflict (a
/// master of slots has no pod that answers), unsafe (slots are open, uncovered or the views
/// differ: what has to be mended first, by which verb).
Result<std::vector<SlotHolder>> holders_of(const ClusterView& view);

/// Adds `one` to the move between the same ends, where there is one already.
void add_move(std::vector<MoveSlots>& moves, MoveSlots one);

/// Slots that a move left open between two masters that answer, or that the taker has and the giver
/// does not know of yet: what finishes them.
std::vector<MoveSlots> half_moved(const ClusterView& view);

/// Marks that only replicas keep, by their masters. Since Valkey 8 replicas hear of SETSLOT before
/// their master does it, which it does not when who said it is gone by then; one that was away may
/// have missed the end. Those that do not follow their master are left out.
/// https://github.com/valkey-io/valkey/issues/998
std::map<const Member*, SlotSet> stale_marks(const ClusterView& view);

/// What closes them: SETSLOT STABLE at their masters, which those pass on; empty without any.
Stage close_stale_marks(const ClusterView& view);

/// Whether what moves fits into the memory of those that take it, as far as is known: a slot counts
/// as much as its master's others. Errors: unsafe (who would be too full, and with how much).
Status check_memory(const ClusterView& view, const std::vector<MoveSlots>& moves);

/// A stage for moves that can all be made at once; empty without any.
std::vector<Stage> stages_of(std::vector<MoveSlots> moves, const std::string& reason);

}  // namespace kredis::core
