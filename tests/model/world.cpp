// SPDX-License-Identifier: Apache-2.0
#include "tests/model/world.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "shared/core/key_slot.hpp"
#include "tests/model/commands.hpp"

namespace kredis::model {

using namespace std::chrono_literals;

World::World(Turns& turns, std::uint64_t seed) : turns_(turns), random_(seed) {}

Ident World::new_ident() {
  std::string text;
  while (text.size() < 40) {
    text += "0123456789abcdef"[below(16)];
  }
  ids.push_back(std::move(text));
  for (ModelNode& node : nodes) {
    node.seen.resize(ids.size());
  }
  return static_cast<Ident>(ids.size()) - 1;
}

ModelNode& World::add(const std::string& pod, const std::string& host) {
  nodes.push_back({.place = nodes.size(), .pod = pod, .host = host});
  ModelNode& node = nodes.back();
  node.id = new_ident();
  node.self().known = true;
  node.settings = {{"cluster-node-timeout", "5000"},
                   {"cluster-allow-replica-migration", "no"},
                   {"save", ""},
                   {"requirepass", ""},
                   {"masterauth", ""}};
  return node;
}

void World::form(const std::vector<core::SlotSet>& by_master, int replicas) {
  const std::size_t masters = by_master.size();
  const std::size_t all = masters * (1 + static_cast<std::size_t>(replicas));
  for (std::size_t viewer = 0; viewer < all; ++viewer) {
    for (std::size_t i = 0; i < all; ++i) {
      Seen& seen = nodes[viewer].seen[static_cast<std::size_t>(nodes[i].id)];
      seen.known = true;
      seen.epoch = (i < masters ? i : i % masters) + 1;
      if (i >= masters) {
        seen.replica = true;
        seen.master = nodes[i % masters].id;
      }
    }
    for (std::size_t i = 0; i < masters; ++i) {
      for (const std::uint32_t slot : by_master[i].numbers()) {
        set_owner(nodes[viewer], slot, nodes[i].id);
      }
    }
    nodes[viewer].current_epoch = masters;
    nodes[viewer].in_sync = true;
  }
}

void World::begin() {
  turns_.at(turns_.now() + 100ms, [this] { tick(); });
}

void World::trace(const std::function<std::string()>& text) {
  const auto mix = [this](std::uint64_t what) { hash = (hash ^ what) * 1099511628211U; };
  mix(static_cast<std::uint64_t>(turns_.now().count()));
  const std::string line = text();
  mix(std::hash<std::string>{}(line));
  if (verbose) {
    std::printf("%12.6f %s\n", static_cast<double>(turns_.now().count()) / 1e9, line.c_str());
  }
}

void World::violate(const std::string& what) {
  trace([&] { return "VIOLATION: " + what; });
  violation = violation.empty() ? what : violation;
}

ModelNode* World::at_host(const std::string& host) {
  const auto found = std::ranges::find(nodes, host, &ModelNode::host);
  return found == nodes.end() ? nullptr : &*found;
}

ModelNode* World::of_ident(Ident id) {
  const auto found = std::ranges::find(nodes, id, &ModelNode::id);
  return found == nodes.end() ? nullptr : &*found;
}

void World::kill(ModelNode& node, Time until) {
  if (!node.up) {
    return;
  }
  trace([&] { return "KILL " + node.pod; });
  node.up = false;
  ++node.life;
  node.busy = false;
  node.in_sync = node.is_master();
  for (const auto& call : std::exchange(node.inbox, {})) {
    finish(node, call, false);
  }
  for (ModelNode* replica : replicas_of(node)) {
    replica->in_sync = replica->in_sync && works(*replica);
  }
  turns_.at(until, [this, &node] { come_back(node); });
}

void World::come_back(ModelNode& node) {
  trace([&] { return "BACK " + node.pod; });
  node.up = true;
  node.paused_until = turns_.now();
  node.fails_until = turns_.now() + 2s + between(0, 500'000) + 2 * manners.bus_delay;
  node.starts_until = node.fails_until;
  if (node.is_master()) {
    judge_strays(node);
  } else {
    sync(node, node.life);
  }
  broadcast(node);
}

/// clusterLoadConfig and verifyClusterConfigWithData.
void World::judge_strays(ModelNode& node) {
  std::vector<std::uint32_t> strays;
  for (const auto& [slot, keys] : node.keys) {
    const bool mine = node.owner[slot] == node.id || node.importing.contains(slot);
    if (!keys.empty() && !mine) {
      strays.push_back(slot);
    }
  }
  for (const std::uint32_t slot : strays) {
    if (node.owner[slot] == k_nobody) {
      set_owner(node, slot, node.id);
    } else if (!manners.deletes_strays || has_unmarked_keys()) {
      node.importing[slot] = node.owner[slot];
    } else {
      const KeysOfSlot keys = node.keys[slot];
      for (const auto& key : keys) {
        erase(node, slot, key.first, "a start without a mark");
      }
    }
  }
}

void World::pause(ModelNode& node, Time until) {
  if (!works(node)) {
    return;
  }
  trace([&] { return "PAUSE " + node.pod; });
  node.paused_until = until;
  if (!node.is_master()) {
    node.in_sync = false;
  }
  turns_.at(until, [this, &node, life = node.life] {
    if (node.up && node.life == life) {
      trace([&] { return "RESUME " + node.pod; });
      node.fails_until = turns_.now() + 500ms + 2 * manners.bus_delay;
      if (!node.is_master()) {
        sync(node, node.life);
      }
      pump(node);
    }
  });
}

void World::send(ModelNode& node, std::shared_ptr<Call> call, Time delay) {
  turns_.at(turns_.now() + delay, [this, &node, call = std::move(call)] {
    if (!node.up) {
      finish(node, call, false);
      return;
    }
    node.inbox.push_back(call);
    pump(node);
  });
}

void World::finish(ModelNode& node, const std::shared_ptr<Call>& call, bool whole) {
  static_cast<void>(node);
  if (call->done) {
    std::exchange(call->done, {})(whole);
  }
}

/// One command after the other, until one takes time, or somebody else's turn comes.
void World::pump(ModelNode& node) {
  while (works(node) && !node.busy && !node.inbox.empty()) {
    const auto call = node.inbox.front();
    if (call->replies.size() >= std::min(call->commands.size(), call->most)) {
      node.inbox.pop_front();
      finish(node, call, call->replies.size() == call->commands.size());
      continue;
    }
    Commands(*this, node, *call).next();
    if (!node.busy && call->of_plugin && chance(0.01)) {
      // A server reads so much of a connection at once, and then looks at the others.
      node.busy = true;
      turns_.at(turns_.now() + between(50, 3000), [this, &node, life = node.life] {
        if (node.life == life) {
          node.busy = false;
          pump(node);
        }
      });
    }
  }
}

std::vector<ModelNode*> World::replicas_of(const ModelNode& master) {
  std::vector<ModelNode*> replicas;
  for (ModelNode& node : nodes) {
    if (!node.is_master() && node.self().master == master.id) {
      replicas.push_back(&node);
    }
  }
  return replicas;
}

void World::put(ModelNode& node, std::uint32_t slot, const std::string& key, const Value& value) {
  node.keys[slot][key] = value;
  for (ModelNode* replica : replicas_of(node)) {
    if (replica->in_sync) {
      replica->keys[slot][key] = value;
    }
  }
}

void World::erase(ModelNode& node,
                  std::uint32_t slot,
                  const std::string& key,
                  const std::string& why) {
  trace([&] { return node.pod + " deletes " + key + ": " + why; });
  node.keys[slot].erase(key);
  for (ModelNode* replica : replicas_of(node)) {
    if (replica->in_sync) {
      replica->keys[slot].erase(key);
    }
  }
  check_copies(key, node.pod + " deleted it: " + why);
}

/// Somebody has what clients were promised. What does not run now has it on its disk.
void World::check_copies(const std::string& key, const std::string& why) {
  const auto promised = truth_.find(key);
  if (promised == truth_.end()) {
    return;
  }
  const std::uint32_t slot = core::key_slot(key);
  const bool some = std::ranges::any_of(nodes, [&](const ModelNode& node) {
    const auto keys = node.keys.find(slot);
    if (keys == node.keys.end()) {
      return false;
    }
    const auto found = keys->second.find(key);
    return found != keys->second.end() && found->second == promised->second;
  });
  if (!some) {
    violate("the last copy of " + key + " (slot " + std::to_string(slot) + ") is gone; " + why);
    truth_.erase(key);
  }
}

void World::copy_all(ModelNode& replica, ModelNode& master) {
  std::vector<std::string> gone;
  for (const auto& slot : replica.keys) {
    for (const auto& key : slot.second) {
      gone.push_back(key.first);
    }
  }
  replica.keys = master.keys;
  replica.in_sync = true;
  if (manners.valkey) {
    replica.migrating = master.migrating;
    replica.importing = master.importing;
  }
  for (const std::string& key : gone) {
    check_copies(key, replica.pod + " copied " + master.pod);
  }
}

/// Whether a client's plain write of `key` is taken; an empty key: of one that nobody has yet.
bool World::accepts(const ModelNode& node, std::uint32_t slot, const std::string& key) const {
  if (!node.up || !node.is_master() || node.owner[slot] != node.id ||
      turns_.now() < node.starts_until) {
    return false;
  }
  if (!node.migrating.contains(slot)) {
    return true;
  }
  const auto keys = node.keys.find(slot);
  return keys != node.keys.end() && keys->second.contains(key);
}

/// The most that take the same key's write at the same time.
int World::acceptors(std::uint32_t slot) {
  std::set<std::string> names{""};
  for (const ModelNode& node : nodes) {
    const auto keys = node.keys.find(slot);
    if (keys != node.keys.end()) {
      for (const auto& key : keys->second) {
        names.insert(key.first);
      }
    }
  }
  std::ptrdiff_t most = 0;
  for (const std::string& name : names) {
    most = std::max(most, std::ranges::count_if(nodes, [&](const ModelNode& node) {
                      return accepts(node, slot, name);
                    }));
  }
  return static_cast<int>(most);
}

void World::add_key(const std::string& key, std::int64_t expires_ms) {
  const std::uint32_t slot = core::key_slot(key);
  for (ModelNode& node : nodes) {
    if (node.is_master() && node.owner[slot] == node.id) {
      truth_[key] = {.version = 1, .expires_ms = expires_ms};
      put(node, slot, key, truth_[key]);
    }
  }
}

/// As a cluster client: it asks whom it thinks the owner, and goes where it is sent.
void World::client_writes(const std::string& key) {
  ModelNode& any = nodes[below(nodes.size())];
  if (works(any)) {
    client_hop(key, any, false, 0);
  }
}

void World::client_hop(const std::string& key, ModelNode& node, bool asking, int hops) {
  auto call = std::make_shared<Call>();
  call->commands = {{"SET", key}};
  call->asking = asking;
  call->done = [this, key, call = call.get(), hops](bool whole) {
    if (!whole || hops > 5 || !call->replies.front().is_error()) {
      return;
    }
    const std::string text = call->replies.front().text;  // "MOVED 7 HOST:6379"
    const bool asks = text.starts_with("ASK ");
    if (asks || text.starts_with("MOVED ")) {
      const std::string host = text.substr(text.rfind(' ') + 1);
      if (ModelNode* next = at_host(host.substr(0, host.find(':')))) {
        client_hop(key, *next, asks, hops + 1);
      }
    }
  };
  send(node, call, between(50, 1000));
}

std::string World::not_whole() {
  for (const ModelNode& node : nodes) {
    const bool member = std::ranges::count(node.seen, true, &Seen::known) > 1;
    if (!member) {
      continue;
    }
    if (!node.migrating.empty() || !node.importing.empty()) {
      const bool gives = !node.migrating.empty();
      return "slot " + std::to_string((gives ? node.migrating : node.importing).begin()->first) +
             " is open on " + node.pod;
    }
    for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
      const ModelNode* owner = of_ident(node.owner[slot]);
      if (owner == nullptr || owner->owner[slot] != owner->id || !owner->is_master()) {
        return node.pod + " does not know the owner of slot " + std::to_string(slot);
      }
    }
  }
  std::size_t held = 0;
  for (const ModelNode& node : nodes) {
    for (const auto& [slot, keys] : node.keys) {
      held += node.is_master() ? keys.size() : 0;
    }
  }
  for (const auto& [key, value] : truth_) {
    const std::uint32_t slot = core::key_slot(key);
    ModelNode* owner = of_ident(nodes.front().owner[slot]);
    const auto found = owner->keys[slot].find(key);
    if (found == owner->keys[slot].end() || !(found->second == value)) {
      std::string who;
      for (ModelNode& node : nodes) {
        const auto there = node.keys[slot].find(key);
        who += there == node.keys[slot].end()
                   ? ""
                   : " " + node.pod + ":v" + std::to_string(there->second.version);
      }
      return owner->pod + (found == owner->keys[slot].end() ? " lacks " : " has another ") + key +
             " of slot " + std::to_string(slot) + ", v" + std::to_string(value.version) +
             "; has it:" + who;
    }
  }
  return held == truth_.size() ? ""
                               : std::to_string(held) + " keys are held, and there are " +
                                     std::to_string(truth_.size());
}

}  // namespace kredis::model
