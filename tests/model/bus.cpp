// SPDX-License-Identifier: Apache-2.0
//
// The cluster bus: who hears what of whom, and what it makes of it. The names of the server's own
// functions stand beside what repeats them (cluster_legacy.c of Redis 8).
#include <algorithm>
#include <utility>

#include "tests/model/world.hpp"

namespace kredis::model {

using namespace std::chrono_literals;

namespace {

constexpr auto k_tick = 100ms;
constexpr auto k_node_timeout = 5s;

}  // namespace

/// What a PING, PONG, MEET or PUBLISH says.
struct World::Header {
  Ident sender = k_nobody;
  bool replica = false;
  Ident master = k_nobody;
  std::uint64_t current_epoch = 0;
  std::uint64_t epoch = 0;  ///< The master's, where a replica says it.
  Slots slots = {};
  std::vector<Ident> known = {};
  Packet packet = Packet::ping;
};

void World::set_owner(ModelNode& viewer, std::uint32_t slot, Ident owner) {
  const auto change = [&](Ident id, bool has) {
    if (id != k_nobody) {
      Seen& seen = viewer.seen[static_cast<std::size_t>(id)];
      seen.slots[slot] = has;
      seen.slots_text.clear();
    }
  };
  change(viewer.owner[slot], false);
  viewer.unowned += owner == k_nobody ? 1U : 0U;
  viewer.unowned -= viewer.owner[slot] == k_nobody ? 1U : 0U;
  change(owner, true);
  viewer.owner[slot] = owner;
}

void World::tell(const ModelNode& from, ModelNode& to, Packet packet) {
  auto header = std::make_shared<Header>();
  const Seen& self = from.self();
  header->sender = from.id;
  header->replica = self.replica;
  header->master = self.master;
  header->current_epoch = from.current_epoch;
  const bool speaks_for_master = self.replica && self.master != k_nobody;
  const Seen& what = speaks_for_master ? from.seen[static_cast<std::size_t>(self.master)] : self;
  header->epoch = what.epoch;
  header->slots = what.slots;
  header->packet = packet;
  for (std::size_t id = 0; id < from.seen.size(); ++id) {
    if (from.seen[id].known) {
      header->known.push_back(static_cast<Ident>(id));
    }
  }
  turns_.at(turns_.now() + bus_time(), [this, header, &to] { hear(to, *header); });
}

/// clusterBroadcastPong, clusterSendPublish.
void World::broadcast(const ModelNode& from, Packet packet) {
  for (std::size_t id = 0; id < from.seen.size(); ++id) {
    ModelNode* to = from.seen[id].known ? of_ident(static_cast<Ident>(id)) : nullptr;
    if (to != nullptr && to != &from) {
      tell(from, *to, packet);
    }
  }
}

void World::learn(ModelNode& viewer, Ident id) {
  Seen& seen = viewer.seen[static_cast<std::size_t>(id)];
  const auto ban = viewer.banned.find(id);
  if (!seen.known && (ban == viewer.banned.end() || ban->second <= turns_.now())) {
    seen = {.known = true};
  }
}

/// clusterDelNode.
void World::forget(ModelNode& viewer, Ident id) {
  for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
    if (viewer.owner[slot] == id) {
      set_owner(viewer, slot, k_nobody);
    }
  }
  std::erase_if(viewer.migrating, [id](const auto& each) { return each.second == id; });
  std::erase_if(viewer.importing, [id](const auto& each) { return each.second == id; });
  viewer.seen[static_cast<std::size_t>(id)] = {};
}

/// clusterProcessPacket.
void World::hear(ModelNode& viewer, const Header& header) {
  if (!viewer.up) {
    return;
  }
  if (!works(viewer) || viewer.busy) {
    const Time then = std::max(viewer.paused_until, turns_.now() + 5ms);
    turns_.at(then, [this, &viewer, header] { hear(viewer, header); });
    return;
  }
  if (of_ident(header.sender) == nullptr) {
    return;
  }
  if (header.packet == Packet::meet) {
    learn(viewer, header.sender);
    tell(viewer, *of_ident(header.sender), Packet::ping);
  }
  Seen& sender = viewer.seen[static_cast<std::size_t>(header.sender)];
  if (!sender.known) {
    return;
  }
  viewer.current_epoch = std::max(viewer.current_epoch, header.current_epoch);
  if (!header.replica) {
    sender.epoch = std::max(sender.epoch, header.epoch);
  }
  if (header.packet != Packet::publish) {
    hear_gossip(viewer, sender, header);
  }
}

/// Its part for PING, PONG and MEET.
void World::hear_gossip(ModelNode& viewer, Seen& sender, const Header& header) {
  for (const Ident id : header.known) {
    if (of_ident(id) != nullptr) {
      learn(viewer, id);
    }
  }
  if (!header.replica) {
    sender.replica = false;
    sender.master = k_nobody;
  } else {
    if (!sender.replica) {  // A master that became a replica has no slots any more.
      for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
        if (viewer.owner[slot] == header.sender) {
          set_owner(viewer, slot, k_nobody);
        }
      }
    }
    sender.replica = true;
    sender.master = header.master;
  }
  const Ident speaker = header.replica ? header.master : header.sender;
  if (speaker != k_nobody && header.slots != viewer.seen[static_cast<std::size_t>(speaker)].slots) {
    if (!header.replica) {
      hear_slots(viewer, header.sender, header.epoch, header.slots);
    }
    correct(viewer, header);
  }
  // clusterHandleConfigEpochCollision
  const bool collides = !header.replica && viewer.is_master() && header.epoch != 0 &&
                        header.epoch == viewer.self().epoch;
  if (collides &&
      ids[static_cast<std::size_t>(header.sender)] > ids[static_cast<std::size_t>(viewer.id)]) {
    viewer.self().epoch = ++viewer.current_epoch;
  }
}

/// clusterUpdateSlotsConfigWith.
void World::hear_slots(ModelNode& viewer, Ident sender, std::uint64_t epoch, const Slots& slots) {
  const Seen& self = viewer.self();
  const Ident mine = self.replica ? self.master : viewer.id;
  const Slots news = slots & ~viewer.seen[static_cast<std::size_t>(sender)].slots;
  std::vector<std::uint32_t> dirty;
  bool lost = false;
  for (std::size_t at = news._Find_first(); at < news.size(); at = news._Find_next(at)) {
    const auto slot = static_cast<std::uint32_t>(at);
    const Ident owner = viewer.owner[slot];
    const bool is_newer =
        owner == k_nobody || viewer.seen[static_cast<std::size_t>(owner)].epoch < epoch;
    if (viewer.importing.contains(slot) || !is_newer) {
      continue;
    }
    if (owner == viewer.id && !viewer.keys[slot].empty()) {
      dirty.push_back(slot);
    }
    lost = lost || owner == mine;
    set_owner(viewer, slot, sender);
  }
  const bool empty = lost && viewer.seen[static_cast<std::size_t>(mine)].slots.none();
  const bool moves_on = empty && (viewer.settings["cluster-allow-replica-migration"] == "yes" ||
                                  of_ident(sender) == nullptr || slots.count() == news.count());
  if (moves_on) {
    follow(viewer, sender);
    return;
  }
  for (const std::uint32_t slot : dirty) {
    const KeysOfSlot keys = viewer.keys[slot];
    for (const auto& key : keys) {
      erase(viewer, slot, key.first, "slot " + std::to_string(slot) + " went to another node");
    }
  }
}

/// A claim that is older than what is known here is answered by an UPDATE.
void World::correct(ModelNode& viewer, const Header& header) {
  ModelNode* sender = of_ident(header.sender);
  const Ident speaker = header.replica ? header.master : header.sender;
  for (std::size_t at = header.slots._Find_first(); at < header.slots.size();
       at = header.slots._Find_next(at)) {
    const Ident owner = viewer.owner[at];
    if (owner == speaker || owner == k_nobody || owner == header.sender) {
      continue;
    }
    const Seen& seen = viewer.seen[static_cast<std::size_t>(owner)];
    if (seen.epoch <= header.epoch) {
      continue;
    }
    turns_.at(turns_.now() + bus_time(),
              [this, sender, owner, epoch = seen.epoch, slots = seen.slots] {
                if (!works(*sender) || sender->busy || owner == sender->id) {
                  return;
                }
                Seen& there = sender->seen[static_cast<std::size_t>(owner)];
                if (!there.known || there.epoch >= epoch) {
                  return;
                }
                there.replica = false;
                there.master = k_nobody;
                there.epoch = epoch;
                hear_slots(*sender, owner, epoch, slots);
              });
    return;
  }
}

/// clusterSetMaster.
void World::follow(ModelNode& node, Ident master) {
  trace([&] { return node.pod + " follows " + ids[static_cast<std::size_t>(master)]; });
  node.migrating.clear();
  node.importing.clear();
  node.self().replica = true;
  node.self().master = master;
  node.in_sync = false;
  broadcast(node);
  sync(node, node.life);
}

/// A first copy, as soon as both are there.
void World::sync(ModelNode& replica, std::uint64_t life) {
  turns_.at(turns_.now() + between(200'000, 1'500'000), [this, &replica, life] {
    if (replica.life != life || replica.is_master() || replica.in_sync || ended_) {
      return;
    }
    ModelNode* master = of_ident(replica.self().master);
    if (master != nullptr && works(*master) && works(replica) && master->is_master()) {
      copy_all(replica, *master);
    } else {
      sync(replica, life);
    }
  });
}

/// clusterBumpConfigEpochWithoutConsensus.
bool World::bump(ModelNode& node) {
  std::uint64_t most = node.current_epoch;
  for (const Seen& seen : node.seen) {
    most = std::max(most, seen.known ? seen.epoch : 0);
  }
  if (node.self().epoch != 0 && node.self().epoch == most) {
    return false;
  }
  node.current_epoch = most + 1;
  node.self().epoch = node.current_epoch;
  return true;
}

bool World::has_majority() {
  std::size_t masters = 0;
  std::size_t there = 0;
  for (const ModelNode& node : nodes) {
    if (node.is_master() && node.self().slots.any()) {
      ++masters;
      there += works(node) ? 1U : 0U;
    }
  }
  return there * 2 > masters;
}

/// clusterSendFailoverAuthIfNeeded at each voter, then clusterFailoverReplaceYourMaster.
bool World::promote(ModelNode& replica, Asked by) {
  const Ident old = replica.self().master;
  if (!works(replica) || !replica.in_sync || old == k_nobody || !has_majority() ||
      (by == Asked::fate && rose)) {
    return false;
  }
  Seen& master = replica.seen[static_cast<std::size_t>(old)];
  std::size_t masters = 0;
  std::size_t votes = 0;
  for (ModelNode& voter : nodes) {
    if (!voter.is_master() || voter.self().slots.none()) {
      continue;
    }
    ++masters;
    bool agrees = works(voter) && voter.seen[static_cast<std::size_t>(replica.id)].known;
    for (std::uint32_t slot = 0; slot < core::k_slot_count && agrees; ++slot) {
      const Ident owner = voter.owner[slot];
      agrees = !master.slots[slot] || owner == k_nobody ||
               voter.seen[static_cast<std::size_t>(owner)].epoch <= master.epoch;
    }
    votes += agrees ? 1U : 0U;
    replica.current_epoch = std::max(replica.current_epoch, agrees ? voter.current_epoch : 0);
  }
  if (master.slots.none() || votes * 2 <= masters) {
    return false;
  }
  trace([&] { return "PROMOTE " + replica.pod; });
  rose = rose || by == Asked::fate;
  replica.self().epoch = ++replica.current_epoch;
  replica.self().replica = false;
  replica.self().master = k_nobody;
  for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
    if (replica.owner[slot] == old) {
      set_owner(replica, slot, replica.id);
    }
  }
  broadcast(replica);
  return true;
}

/// A planned hand-over: the two agree on it, so the old master knows at once.
void World::hand_over(ModelNode& master, ModelNode& replica, Asked by) {
  if (!works(master) || master.busy || !promote(replica, by)) {
    return;
  }
  for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
    if (replica.owner[slot] == replica.id) {
      set_owner(master, slot, replica.id);
    }
  }
  Seen& heir = master.seen[static_cast<std::size_t>(replica.id)];
  heir.replica = false;
  heir.master = k_nobody;
  heir.epoch = replica.self().epoch;
  if (master.self().slots.none()) {  // Else it got some that the replica did not know of yet.
    follow(master, replica.id);
  }
}

/// Somebody's hand-over, who is refused while slots of the shard move, and asks again.
void World::fail_over(ModelNode& master) {
  if (!master.migrating.empty() || !master.importing.empty()) {
    turns_.at(turns_.now() + 500ms, [this, &master] {
      if (!ended_) {
        fail_over(master);
      }
    });
    return;
  }
  for (ModelNode* replica : replicas_of(master)) {
    if (replica->in_sync) {
      hand_over(master, *replica, Asked::fate);
      return;
    }
  }
}

void World::refresh_state(ModelNode& node) {
  bool ok = has_majority() && turns_.now() >= node.fails_until;
  for (const Seen& seen : node.seen) {
    ok = ok && !(seen.known && seen.failed && seen.slots.any());
  }
  node.state_ok = ok && node.unowned == 0;
}

void World::tick_failures() {
  for (ModelNode& viewer : nodes) {
    if (!works(viewer)) {
      continue;
    }
    for (std::size_t id = 0; id < viewer.seen.size(); ++id) {
      Seen& seen = viewer.seen[id];
      const ModelNode* other = of_ident(static_cast<Ident>(id));
      if (!seen.known || other == &viewer) {
        continue;
      }
      if (other != nullptr && works(*other)) {
        seen.silent_since.reset();
        seen.failed = false;
      } else if (!seen.silent_since) {
        seen.silent_since = turns_.now();
      } else if (turns_.now() - *seen.silent_since > k_node_timeout && has_majority()) {
        seen.failed = true;
      }
    }
    refresh_state(viewer);
  }
}

void World::tick_elections() {
  for (ModelNode& node : nodes) {
    const Ident master = node.self().master;
    if (works(node) && !node.is_master() && master != k_nobody &&
        node.seen[static_cast<std::size_t>(master)].failed && chance(0.1)) {
      promote(node, Asked::fate);
    }
  }
}

void World::tick() {
  if (ended_) {
    return;
  }
  tick_failures();
  tick_elections();
  for (const ModelNode& node : nodes) {
    if (!works(node) || node.busy) {
      continue;
    }
    std::vector<ModelNode*> others;
    for (std::size_t id = 0; id < node.seen.size(); ++id) {
      ModelNode* other = node.seen[id].known ? of_ident(static_cast<Ident>(id)) : nullptr;
      if (other != nullptr && other != &node) {
        others.push_back(other);
      }
    }
    if (!others.empty() && chance(0.5)) {
      tell(node, *others[below(others.size())], Packet::ping);
    }
  }
  turns_.at(turns_.now() + k_tick, [this] { tick(); });
}

}  // namespace kredis::model
