// SPDX-License-Identifier: Apache-2.0
//
// CLUSTER and its subcommands, as clusterCommand does them.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "shared/core/text.hpp"
#include "tests/model/commands.hpp"
#include "tests/model/replies.hpp"

namespace kredis::model {
namespace {

using core::Reply;
using namespace std::chrono_literals;

}  // namespace

Reply Commands::cluster(const Command& command) {
  const std::string& what = command[1];
  if (what == "NODES") {
    return text(nodes_text());
  }
  if (what == "INFO") {
    return text(cluster_info());
  }
  if (what == "GETKEYSINSLOT" || what == "COUNTKEYSINSLOT") {
    return of_slot(command);
  }
  if (what == "SETSLOT") {
    const std::uint32_t slot = core::to_number<std::uint32_t>(command[2]).value_or(0);
    const int before = world_.acceptors(slot);
    const Reply reply = set_slot(command);
    if (!reply.is_error() && world_.manners.valkey) {
      for (ModelNode* replica : world_.replicas_of(node_)) {
        if (replica->in_sync && world_.works(*replica)) {
          replica->migrating = node_.migrating;
          replica->importing = node_.importing;
          World::set_owner(*replica, slot, node_.owner[slot]);
        }
      }
    }
    if (const int now = world_.acceptors(slot); now > 1 && now > before) {
      world_.violate(fmt::format("{} nodes take writes of slot {} after {} heard {}",
                                 now,
                                 slot,
                                 node_.pod,
                                 fmt::join(command, " ")));
    }
    return reply;
  }
  return change(command);
}

Reply Commands::of_slot(const Command& command) {
  const std::uint32_t slot = core::to_number<std::uint32_t>(command[2]).value_or(0);
  const auto keys = node_.keys.find(slot);
  const std::size_t count = keys == node_.keys.end() ? 0 : keys->second.size();
  if (command[1] == "COUNTKEYSINSLOT") {
    return {.kind = Reply::Kind::integer, .integer = static_cast<std::int64_t>(count)};
  }
  Reply reply{.kind = Reply::Kind::array};
  const std::size_t most = core::to_number<std::size_t>(command[3]).value_or(0);
  for (std::size_t i = 0; i < std::min(count, most); ++i) {
    reply.items.push_back(
        text(std::next(keys->second.begin(), static_cast<std::ptrdiff_t>(i))->first));
  }
  return reply;
}

Reply Commands::set_slot(const Command& command) {
  const std::uint32_t slot = core::to_number<std::uint32_t>(command[2]).value_or(0);
  const std::string& how = command[3];
  if (!node_.is_master()) {
    return error("ERR You can use SETSLOT only with masters.");
  }
  if (how == "STABLE") {
    node_.migrating.erase(slot);
    node_.importing.erase(slot);
    return ok();
  }
  const Ident id = ident_of(command[4]);
  if (id == k_nobody) {
    return error((how == "MIGRATING" ? "ERR I don't know about node " : "ERR Unknown node ") +
                 command[4]);
  }
  const bool mine = node_.owner[slot] == node_.id;
  if (how == "MIGRATING" && !mine) {
    return error(fmt::format("ERR I'm not the owner of hash slot {}", slot));
  }
  if (how == "IMPORTING" && mine) {
    return error(fmt::format("ERR I'm already the owner of hash slot {}", slot));
  }
  if (node_.seen[static_cast<std::size_t>(id)].replica) {
    return error("ERR Target node is not a master");
  }
  if (how == "NODE") {
    return set_slot_node(slot, id);
  }
  (how == "MIGRATING" ? node_.migrating : node_.importing)[slot] = id;
  return ok();
}

Reply Commands::set_slot_node(std::uint32_t slot, Ident id) {
  const bool mine = node_.owner[slot] == node_.id;
  const auto keys = node_.keys.find(slot);
  const bool empty = keys == node_.keys.end() || keys->second.empty();
  if (mine && id != node_.id && !empty) {
    return error(
        fmt::format("ERR Can't assign hashslot {} to a different node while I still hold keys for "
                    "this hash slot.",
                    slot));
  }
  if (empty) {
    node_.migrating.erase(slot);
  }
  World::set_owner(node_, slot, id);
  const bool moves_on = mine && id != node_.id && node_.self().slots.none() &&
                        node_.settings["cluster-allow-replica-migration"] == "yes";
  if (moves_on) {
    world_.follow(node_, id);
  }
  if (id == node_.id && node_.importing.erase(slot) > 0) {
    world_.bump(node_);
    world_.broadcast(node_);
  }
  return ok();
}

Reply Commands::fail_over(bool forced) {
  if (node_.is_master()) {
    return error("ERR You should send CLUSTER FAILOVER to a replica");
  }
  // Only a forced one does without the master.
  const auto later = [world = &world_, node = &node_, life = node_.life, forced] {
    ModelNode* master = world->of_ident(node->self().master);
    if (node->life != life || node->is_master() || master == nullptr) {
      return;
    }
    if (world->works(*master)) {
      world->hand_over(*master, *node, Asked::plugin);
    } else if (forced) {
      world->promote(*node, Asked::plugin);
    }
  };
  world_.turns_.at(world_.turns_.now() + world_.between(50'000, 400'000), later);
  return ok();
}

Reply Commands::reset(bool hard) {
  if (node_.is_master() && count_keys() > 0) {
    return error("ERR CLUSTER RESET can't be called with master nodes containing keys");
  }
  node_.keys.clear();
  node_.migrating.clear();
  node_.importing.clear();
  for (std::size_t id = 0; id < node_.seen.size(); ++id) {
    if (static_cast<Ident>(id) != node_.id) {
      world_.forget(node_, static_cast<Ident>(id));
    }
  }
  for (std::uint32_t slot = 0; slot < core::k_slot_count; ++slot) {
    World::set_owner(node_, slot, k_nobody);
  }
  node_.self() = {.known = true};
  if (hard) {
    node_.current_epoch = 0;
    node_.self() = {};
    node_.id = world_.new_ident();
    node_.self().known = true;
  }
  return ok();
}

Reply Commands::change(const Command& command) {
  const std::string& what = command[1];
  if (what == "BUMPEPOCH") {
    const bool raised = world_.bump(node_);
    if (world_.manners.valkey) {
      world_.broadcast(node_);
    }
    return {.kind = Reply::Kind::status,
            .text = fmt::format("{} {}", raised ? "BUMPED" : "STILL", node_.self().epoch)};
  }
  if (what == "MEET") {
    if (ModelNode* other = world_.at_host(command[2])) {
      world_.learn(node_, other->id);
      world_.tell(node_, *other, World::Packet::meet);
    }
    return ok();
  }
  if (what == "FAILOVER") {
    return fail_over(command.size() > 2);
  }
  if (what == "RESET") {
    return reset(command[2] == "HARD");
  }
  const Ident id = command.size() > 2 ? ident_of(command[2]) : k_nobody;
  if (id == k_nobody) {
    return error("ERR Unknown node " + (command.size() > 2 ? command[2] : what));
  }
  if (what == "FORGET") {
    if (id == node_.id || (!node_.is_master() && id == node_.self().master)) {
      return error("ERR I tried hard but I can't forget myself, or my master");
    }
    world_.forget(node_, id);
    node_.banned[id] = world_.turns_.now() + 60s;
    return ok();
  }
  if (what == "REPLICATE") {
    const bool has_part = node_.is_master() && (node_.self().slots.any() || count_keys() > 0);
    if (node_.seen[static_cast<std::size_t>(id)].replica || id == node_.id) {
      return error("ERR I can only replicate a master, not a replica.");
    }
    if (has_part) {
      return error("ERR To set a master the node must be empty and without assigned slots.");
    }
    world_.follow(node_, id);
    return ok();
  }
  return error("ERR unknown subcommand " + what);
}

}  // namespace kredis::model
