// SPDX-License-Identifier: Apache-2.0
#include "shared/core/open_slots.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace kredis::core {
namespace {

using MoveKey = std::tuple<std::uint32_t, const Member*, const Member*>;

}  // namespace

const Member* master_now(const ClusterView& view, const NodeId& id) {
  const Member* member = view.by_id(id);
  // A replica may follow a replica for a while; never more of them than there are members.
  for (std::size_t i = 0; i < view.members.size() && member != nullptr; ++i) {
    const Node& self = *member->self();
    if (self.role == Role::master) {
      return member;
    }
    member = self.master ? view.by_id(*self.master) : nullptr;
  }
  return nullptr;
}

bool OpenMove::has_arrived() const {
  return given && to != nullptr && to != from && to->self()->slots.contains(slot);
}

bool OpenMove::is_half_moved() const {
  const bool both = from != nullptr && to != nullptr && from != to;
  return both && (from->self()->slots.contains(slot) || has_arrived());
}

std::vector<OpenMove> open_moves(const ClusterView& view) {
  std::map<MoveKey, OpenMove> moves;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->role != Role::master) {
      continue;
    }
    for (const OpenSlot& open : self->open_slots) {
      const Member* other = master_now(view, open.other);
      const bool gives = open.direction == OpenSlot::Direction::migrating;
      const Member* from = gives ? &member : other;
      const Member* to = gives ? other : &member;
      OpenMove& move = moves[{open.slot, from, to}];
      move = {.slot = open.slot,
              .from = from,
              .to = to,
              .given = move.given || gives,
              .taken = move.taken || !gives};
    }
  }
  std::vector<OpenMove> all;
  for (const auto& each : moves) {
    all.push_back(each.second);
  }
  std::ranges::stable_sort(
      all, {}, [](const OpenMove& open) { return std::tuple(open.slot, !open.given); });
  return all;
}

std::vector<OpenMove> half_moves(const ClusterView& view) {
  std::vector<OpenMove> all = open_moves(view);
  std::erase_if(all, [&](const OpenMove& open) {
    return !open.is_half_moved() || owners_of(view, open.slot).size() != 1;
  });
  std::vector<OpenMove> clear;
  for (auto at = all.begin(); at != all.end();) {
    const auto next =
        std::find_if(at, all.end(), [&](const OpenMove& open) { return open.slot != at->slot; });
    // Who gives decides; of several that only take, nobody can say which is meant.
    if (next - at == 1 || (at->given && !std::next(at)->given)) {
      clear.push_back(*at);
    }
    at = next;
  }
  return clear;
}

bool is_open_on(const Member& member, std::uint32_t slot) {
  return std::ranges::find(member.self()->open_slots, slot, &OpenSlot::slot) !=
         member.self()->open_slots.end();
}

std::vector<const Member*> owners_of(const ClusterView& view, std::uint32_t slot) {
  std::vector<const Member*> owners;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self != nullptr && self->role == Role::master && self->slots.contains(slot)) {
      owners.push_back(&member);
    }
  }
  return owners;
}

}  // namespace kredis::core
