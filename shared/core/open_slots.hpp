// SPDX-License-Identifier: Apache-2.0
//
// Slots that a move left open: what the marks of all masters say together. Every verb that finishes
// moves reads them here. https://redis.io/docs/latest/commands/cluster-setslot/
#pragma once

#include <cstdint>
#include <vector>

#include "shared/core/cluster_view.hpp"

namespace kredis::core {

/// One open slot and its way. Both marks of one move are one OpenMove; marks that contradict each
/// other are several. The pointers lead into the view.
struct OpenMove {
  std::uint32_t slot = 0;
  const Member* from = nullptr;  ///< The master that gives, or who took its place; null: silent.
  const Member* to = nullptr;    ///< The master that takes, or who took its place; null: silent.
  bool given = false;            ///< `from` itself has it marked as migrating.
  bool taken = false;            ///< `to` itself has it marked as importing.

  /// Who takes says that the slot is its own, and who gives still keeps its mark.
  bool has_arrived() const;
  /// Somebody can finish it: both ends answer, and the slot is at one of them.
  bool is_half_moved() const;
};

/// All of them, by slot, those that are given first. A replica's marks count for nothing: it
/// repeats its master's.
std::vector<OpenMove> open_moves(const ClusterView& view);

/// Those that are half moved, one a slot: moved to two at once it would have two owners. None where
/// two say that the slot is theirs, as a master that came back and has not heard of its successor
/// does, or where marks contradict each other and nobody who gives decides.
std::vector<OpenMove> half_moves(const ClusterView& view);

/// The master that runs as `id`, or that took over from it: a mark still names who was. Null where
/// none answers.
const Member* master_now(const ClusterView& view, const NodeId& id);

/// Whether `member` itself has any mark on `slot`. Requires: it answers.
bool is_open_on(const Member& member, std::uint32_t slot);

/// Who says of itself that it is the master of `slot`.
std::vector<const Member*> owners_of(const ClusterView& view, std::uint32_t slot);

}  // namespace kredis::core
