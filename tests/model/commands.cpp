// SPDX-License-Identifier: Apache-2.0
#include "tests/model/commands.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "shared/core/key_slot.hpp"
#include "shared/core/text.hpp"
#include "tests/model/replies.hpp"

namespace kredis::model {
namespace {

using core::Reply;
using namespace std::chrono_literals;

std::string ranges_text(const Slots& slots) {
  std::string all;
  for (std::size_t first = slots._Find_first(); first < slots.size();) {
    std::size_t last = first;
    while (last + 1 < slots.size() && slots[last + 1]) {
      ++last;
    }
    all += last == first ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
    first = last + 1 < slots.size() ? slots._Find_next(last) : slots.size();
  }
  return all.empty() ? " " : all;
}

}  // namespace

Ident Commands::ident_of(const std::string& word) const {
  const auto found = std::ranges::find(world_.ids, word);
  const auto id = static_cast<Ident>(found - world_.ids.begin());
  const bool known = found != world_.ids.end() && node_.seen[static_cast<std::size_t>(id)].known;
  return known ? id : k_nobody;
}

std::string Commands::address_of(Ident id) const {
  const ModelNode* node = world_.of_ident(id);
  return (node == nullptr ? "10.255.255.255" : node->host) + ":6379";
}

std::int64_t Commands::count_keys() const {
  std::int64_t count = 0;
  for (const auto& slot : node_.keys) {
    count += static_cast<std::int64_t>(slot.second.size());
  }
  return count;
}

std::string Commands::flags_of(Ident id, const Seen& seen) const {
  std::string flags = id == node_.id ? "myself," : "";
  flags += seen.replica ? "slave" : "master";
  if (seen.failed) {
    flags += ",fail";
  } else if (seen.silent_since && world_.turns_.now() - *seen.silent_since > 5s) {
    flags += ",fail?";
  }
  return flags;
}

std::string Commands::nodes_text() const {
  std::string all;
  for (std::size_t at = 0; at < node_.seen.size(); ++at) {
    Seen& seen = node_.seen[at];
    if (!seen.known) {
      continue;
    }
    const auto id = static_cast<Ident>(at);
    if (seen.slots_text.empty()) {
      seen.slots_text = ranges_text(seen.slots);
    }
    const ModelNode* other = world_.of_ident(id);
    const bool linked = other != nullptr && other->up && !seen.failed;
    all += fmt::format(
        "{} {}@16379 {} {} 0 0 {} {}",
        world_.ids[at],
        address_of(id),
        flags_of(id, seen),
        seen.master == k_nobody ? "-" : world_.ids[static_cast<std::size_t>(seen.master)],
        seen.epoch,
        linked ? "connected" : "disconnected");
    all += seen.slots_text == " " ? "" : seen.slots_text;
    if (id == node_.id) {
      for (const auto& [slot, to] : node_.migrating) {
        all += fmt::format(" [{}->-{}]", slot, world_.ids[static_cast<std::size_t>(to)]);
      }
      for (const auto& [slot, from] : node_.importing) {
        all += fmt::format(" [{}-<-{}]", slot, world_.ids[static_cast<std::size_t>(from)]);
      }
    }
    all += "\n";
  }
  return all;
}

std::string Commands::cluster_info() const {
  std::size_t assigned = 0;
  std::size_t failed = 0;
  for (const Seen& seen : node_.seen) {
    assigned += seen.slots.count();
    failed += seen.failed ? seen.slots.count() : 0;
  }
  return fmt::format(
      "cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\n"
      "cluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\ncluster_current_epoch:{}\r\n"
      "cluster_my_epoch:{}\r\n",
      node_.state_ok ? "ok" : "fail",
      assigned,
      assigned - failed,
      failed,
      std::ranges::count(node_.seen, true, &Seen::known),
      node_.current_epoch,
      node_.self().epoch);
}

std::string Commands::info() const {
  std::string all = fmt::format(
      "redis_version:8.0.2\r\n{}loading:0\r\ncluster_enabled:1\r\naof_enabled:1\r\n"
      "used_memory:1048576\r\nused_memory_rss:2097152\r\nused_memory_dataset:{}\r\nmaxmemory:0\r\n"
      "uptime_in_seconds:600\r\n",
      world_.manners.valkey ? "server_name:valkey\r\nvalkey_version:8.1.0\r\n" : "",
      world_.manners.large ? 64 << 20 : 100'000);
  if (node_.is_master()) {
    all += fmt::format("role:master\r\nconnected_slaves:{}\r\nmaster_repl_offset:1000\r\n",
                       world_.replicas_of(node_).size());
  } else {
    const ModelNode* master = world_.of_ident(node_.self().master);
    all += fmt::format(
        "role:slave\r\nmaster_host:{}\r\nmaster_port:6379\r\nmaster_link_status:{}\r\n"
        "slave_repl_offset:1000\r\n",
        master == nullptr ? "" : master->host,
        node_.in_sync ? "up" : "down");
  }
  const std::int64_t keys = count_keys();
  return all + (keys > 0 ? fmt::format("db0:keys={},expires=0\r\n", keys) : "");
}

void Commands::next() {
  const Command command = call_.commands[call_.replies.size()];
  if (auto reply = answer(command)) {
    call_.replies.push_back(std::move(*reply));
  }
}

std::optional<Reply> Commands::answer(const Command& command) {
  const std::string& name = command.front();
  if (name == "PING") {
    return Reply{.kind = Reply::Kind::status, .text = "PONG"};
  }
  if (name == "CLUSTER") {
    return cluster(command);
  }
  if (name == "INFO") {
    return text(info());
  }
  if (name == "DBSIZE") {
    return number(count_keys() * world_.manners.crowded);
  }
  if (name == "CONFIG") {
    return config(command);
  }
  if (name == "ASKING" || name == "SELECT") {
    call_.asking = name == "ASKING";
    return ok();
  }
  if (name == "MIGRATE") {
    return migrate(command);
  }
  if (name == "PUBLISH") {
    world_.broadcast(node_, World::Packet::publish);
    return number(0);
  }
  if (name == "FLUSHALL") {
    node_.keys.clear();
    return ok();
  }
  return on_key(command);
}

Reply Commands::config(const Command& command) {
  if (command[1] == "SET") {
    node_.settings[command[2]] = command[3];
    return ok();
  }
  Reply reply{.kind = Reply::Kind::array};
  if (const auto found = node_.settings.find(command[2]); found != node_.settings.end()) {
    reply.items = {text(found->first), text(found->second)};
  }
  return reply;
}

/// getNodeByQuery.
std::optional<Reply> Commands::elsewhere(std::uint32_t slot, const std::string& key) {
  const bool asking = std::exchange(call_.asking, false);
  const Ident owner = node_.owner[slot];
  if (owner == k_nobody) {
    return error("CLUSTERDOWN Hash slot not served");
  }
  if (!node_.state_ok || world_.turns_.now() < node_.fails_until) {
    return error("CLUSTERDOWN The cluster is down");
  }
  const auto keys = node_.keys.find(slot);
  const bool here = keys != node_.keys.end() && keys->second.contains(key);
  if (owner == node_.id && node_.is_master()) {
    const auto leaving = node_.migrating.find(slot);
    if (leaving != node_.migrating.end() && !here) {
      return error(fmt::format("ASK {} {}", slot, address_of(leaving->second)));
    }
    return std::nullopt;
  }
  if (asking && node_.importing.contains(slot)) {
    return node_.is_master() ? std::nullopt
                             : std::optional(error("READONLY You can't write against a replica."));
  }
  return error(fmt::format("MOVED {} {}", slot, address_of(owner)));
}

Reply Commands::write(const Command& command) {
  const std::string& key = command[1];
  const std::uint32_t slot = core::key_slot(key);
  Value value = world_.truth_[key];
  ++value.version;
  world_.truth_[key] = value;
  world_.trace([&] { return fmt::format("  {} writes {} v{}", node_.pod, key, value.version); });
  world_.put(node_, slot, key, value);
  return ok();
}

/// SET by clients; RESTORE-ASKING KEY VERSION EXPIRES [REPLACE] by other nodes; DUMP, DEL and
/// MEMORY USAGE by the plugin.
std::optional<Reply> Commands::on_key(const Command& command) {
  const std::string& name = command.front();
  const std::string& key = name == "MEMORY" ? command[2] : command[1];
  const std::uint32_t slot = core::key_slot(key);
  call_.asking = call_.asking || name == "RESTORE-ASKING";
  if (auto reply = elsewhere(slot, key)) {
    return reply;
  }
  const auto found = node_.keys[slot].find(key);
  const bool here = found != node_.keys[slot].end();
  if (name == "SET") {
    return write(command);
  }
  if (name == "RESTORE-ASKING") {
    if (here && command.size() < 5) {
      return error("BUSYKEY Target key name already exists.");
    }
    world_.put(node_,
               slot,
               key,
               {.version = core::to_number<std::int64_t>(command[2]).value_or(0),
                .expires_ms = core::to_number<std::int64_t>(command[3]).value_or(0)});
    world_.check_copies(key, node_.pod + " took another value of it");
    return ok();
  }
  if (name == "DEL") {
    if (here) {
      world_.erase(node_, slot, key, "DEL");
    }
    return number(here ? 1 : 0);
  }
  if (!here) {
    return Reply{};
  }
  return name == "MEMORY" ? number(static_cast<std::int64_t>(world_.below(40'000)) + 60)
                          : text(fmt::format("v{}", found->second.version));
}

/// RESTORE for each of the keys that are here.
std::vector<core::Command> Commands::restores(const Command& migrate, std::uint32_t slot) {
  const auto keys_at = std::ranges::find(migrate, "KEYS");
  const bool replaces = std::find(migrate.begin(), keys_at, "REPLACE") != keys_at;
  std::vector<Command> commands;
  for (auto key = std::next(keys_at); key != migrate.end(); ++key) {
    const auto found = node_.keys[slot].find(*key);
    if (found != node_.keys[slot].end()) {
      commands.push_back({"RESTORE-ASKING",
                          *key,
                          std::to_string(found->second.version),
                          std::to_string(found->second.expires_ms)});
      if (replaces) {
        commands.back().emplace_back("REPLACE");
      }
    }
  }
  return commands;
}

/// migrateCommand: the node does nothing else until the other one has answered for each key.
std::optional<Reply> Commands::migrate(const Command& command) {
  const std::uint32_t slot = core::key_slot(*std::next(std::ranges::find(command, "KEYS")));
  const bool open = node_.migrating.contains(slot) || node_.importing.contains(slot);
  if (!node_.state_ok || world_.turns_.now() < node_.fails_until) {
    return error("CLUSTERDOWN The cluster is down");
  }
  if (!open && node_.owner[slot] != node_.id) {
    return error(fmt::format("MOVED {} {}", slot, address_of(node_.owner[slot])));
  }
  ModelNode* target = world_.at_host(command[1]);
  auto sent = std::make_shared<Call>();
  sent->commands = restores(command, slot);
  if (sent->commands.empty()) {
    return Reply{.kind = Reply::Kind::status, .text = "NOKEY"};
  }
  if (target == nullptr) {
    return error("IOERR error or timeout connecting to the client");
  }
  std::size_t heard = sent->commands.size();
  if (world_.chance(world_.manners.broken_migrates)) {
    heard = world_.below(heard + 1);
    sent->most = heard + world_.below(2);
  }
  node_.busy = true;
  // The call stays the node's first until the answer, or the node's death, ends that.
  auto waiting = std::make_shared<bool>(true);
  const auto end =
      [world = &world_, node = &node_, call = &call_, waiting, life = node_.life](Reply reply) {
        if (std::exchange(*waiting, false) && node->life == life) {
          call->replies.push_back(std::move(reply));
          node->busy = false;
          world->pump(*node);
        }
      };
  sent->done = [world = &world_,
                node = &node_,
                sent = sent.get(),
                heard,
                end,
                waiting,
                slot,
                life = node_.life](bool whole) {
    if (*waiting && node->life == life) {
      end(world->migrated(*node, *sent, slot, heard, whole));
    }
  };
  const auto timeout = std::chrono::milliseconds(core::to_number<int>(command[5]).value_or(1000));
  world_.turns_.at(world_.turns_.now() + timeout,
                   [end] { end(error("IOERR error or timeout reading to target instance")); });
  world_.send(*target, sent, world_.between(20, 300));
  return std::nullopt;
}

/// What the other one took goes here, as far as its answer was heard.
core::Reply World::migrated(
    ModelNode& node, const Call& sent, std::uint32_t slot, std::size_t heard, bool whole) {
  std::string refused;
  for (std::size_t i = 0; i < std::min(heard, sent.replies.size()); ++i) {
    if (!sent.replies[i].is_error()) {
      erase(node, slot, sent.commands[i][1], "MIGRATE has it there");
    } else if (refused.empty()) {
      refused = sent.replies[i].text;
    }
  }
  if (!refused.empty()) {
    return error("ERR Target instance replied with error: " + refused);
  }
  return whole && heard == sent.commands.size()
             ? ok()
             : error("IOERR error or timeout reading to target instance");
}

}  // namespace kredis::model
