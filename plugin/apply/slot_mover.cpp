// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/slot_mover.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "plugin/apply/node_steps.hpp"
#include "shared/core/text.hpp"
#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// For one exchange; more where large keys go.
constexpr auto k_exchange = 15s;
/// Of life, while the pace leaves both ends alone.
constexpr auto k_between_signs = 500ms;
constexpr auto k_close_tick = 5ms;
/// What a slow network carries at least.
constexpr std::int64_t k_bytes_per_second = std::int64_t{4} << 20;
/// A key above this is said, and moves alone: its whole MIGRATE holds up the clients of the source.
constexpr std::int64_t k_large_key = std::int64_t{8} << 20;
/// Below this a key is one of many: where all that are sampled are, the others are not asked for.
constexpr std::int64_t k_not_small = std::int64_t{16} << 10;
constexpr std::size_t k_sampled = 8;
/// Keys of one slot that are listed at once.
constexpr std::size_t k_listed = 1000;

std::chrono::seconds time_for(std::int64_t bytes) {
  return k_exchange + std::chrono::seconds(bytes / k_bytes_per_second);
}

Status expect_no_error(const std::vector<Reply>& replies, const std::string& pod) {
  for (const Reply& reply : replies) {
    if (reply.is_error()) {
      return redis::error_of(reply, pod);
    }
  }
  return {};
}

/// That a node that answers now was not away since it was alive for so long that a replica may have
/// taken its place, of which it may not have heard as it answers.
Status expect_prompt(MovePair& pair, steady_clock::time_point alive, const std::string& pod) {
  if (steady_clock::now() - alive < pair.held_up_after) {
    return {};
  }
  pair.held_up = true;
  return Error::conflict(pod + " was held up for long, and a replica may have taken its place")
      .with_hint("run the same command again: it looks anew, and goes on from there");
}

}  // namespace

SlotMover::SlotMover(MovePair& pair,
                     std::unique_ptr<ports::RedisConnection> source,
                     std::unique_ptr<ports::RedisConnection> target)
    : pair_(pair), source_(std::move(source)), target_(std::move(target)) {}

Result<std::vector<Reply>> SlotMover::at_source(const std::vector<Command>& commands,
                                                std::int64_t bytes) {
  const auto began = steady_clock::now();
  KREDIS_TRY(auto replies, source_->pipeline(commands, began + time_for(bytes)));
  KREDIS_CHECK(expect_prompt(pair_, std::exchange(source_alive_, began), pair_.source.pod));
  return replies;
}

Status SlotMover::at_target(const std::vector<Command>& commands) {
  const auto began = steady_clock::now();
  KREDIS_TRY(const auto replies, target_->pipeline(commands, began + k_exchange));
  KREDIS_CHECK(expect_prompt(pair_, std::exchange(target_alive_, began), pair_.target.pod));
  return expect_no_error(replies, pair_.target.pod);
}

/// GETKEYSINSLOT and its like see the chosen database alone (Valkey 9 has several in a cluster).
Status SlotMover::select(int database) {
  if (database == database_) {
    return {};
  }
  KREDIS_TRY(const auto replies, at_source({{"SELECT", std::to_string(database)}}));
  KREDIS_CHECK(expect_no_error(replies, pair_.source.pod));
  database_ = database;
  return {};
}

std::vector<std::uint32_t> SlotMover::take() {
  const std::lock_guard lock(pair_.mutex);
  std::vector<std::uint32_t> slots;
  while (slots.size() < pair_.chunk && !pair_.left.empty()) {
    slots.push_back(pair_.left.front());
    pair_.left.pop_front();
  }
  return slots;
}

Status SlotMover::run(const MoveStop& stop) {
  source_alive_ = target_alive_ = pair_.seen;
  while (!stop()) {
    const std::vector<std::uint32_t> slots = take();
    if (slots.empty()) {
      return {};
    }
    KREDIS_CHECK(move(slots, stop));
  }
  return {};
}

Status SlotMover::move(const std::vector<std::uint32_t>& slots, const MoveStop& stop) {
  KREDIS_CHECK(open(slots));
  for (bool empty = false; !empty;) {
    for (const int database : pair_.databases) {
      KREDIS_CHECK(drain(slots, database, stop));
    }
    KREDIS_CHECK(wait_to_close(stop));
    if (stop()) {
      return {};
    }
    KREDIS_TRY(empty, is_empty(slots));
  }
  KREDIS_CHECK(close(slots));
  pair_.slots += static_cast<std::uint32_t>(slots.size());
  const std::lock_guard lock(pair_.mutex);
  pair_.arrived.insert(pair_.arrived.end(), slots.begin(), slots.end());
  return {};
}

/// The target first: a client that the source sends on must be let in there.
/// https://redis.io/docs/latest/commands/cluster-setslot/
Status SlotMover::open(const std::vector<std::uint32_t>& slots) {
  KREDIS_CHECK(at_target(setslot_commands(slots, {"IMPORTING", pair_.source.id.to_text()})));
  KREDIS_TRY(const auto replies,
             at_source(setslot_commands(slots, {"MIGRATING", pair_.target.id.to_text()})));
  return expect_no_error(replies, pair_.source.pod);
}

/// While a slot is open no key comes to it at the source, so what was listed to its end is all.
Status SlotMover::drain(const std::vector<std::uint32_t>& numbers,
                        int database,
                        const MoveStop& stop) {
  KREDIS_CHECK(select(database));
  std::vector<Slot> slots;
  for (const std::uint32_t number : numbers) {
    slots.push_back({.number = number});
  }
  while (!slots.empty()) {
    KREDIS_CHECK(list(slots));
    for (;;) {
      if (stop()) {
        return {};
      }
      const Burst burst = next_burst(slots, database);
      if (burst.commands.empty()) {
        break;
      }
      KREDIS_CHECK(send(burst, stop));
    }
    std::erase_if(slots, [](const Slot& slot) { return slot.listed_all && slot.keys.empty(); });
  }
  return {};
}

Status SlotMover::list(std::vector<Slot>& slots) {
  std::vector<Command> commands;
  for (const Slot& slot : slots) {
    commands.push_back(
        {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot.number), std::to_string(k_listed)});
  }
  KREDIS_TRY(const auto replies, at_source(commands));
  KREDIS_CHECK(expect_no_error(replies, pair_.source.pod));
  std::vector<Slot*> with_keys;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    for (const Reply& key : replies[i].items) {
      slots[i].keys.push_back({.name = key.text, .bytes = 0});
    }
    slots[i].listed_all = replies[i].items.size() < k_listed;
    if (!slots[i].keys.empty()) {
      with_keys.push_back(&slots[i]);
    }
  }
  return pair_.sized ? weigh(with_keys) : Status{};
}

/// https://redis.io/docs/latest/commands/memory-usage/ : of a collection, a few members count for
/// all. Of small keys one in eight is asked for, as the questions cost the source as much as some
/// moves; where one of them is not small, all are.
Status SlotMover::weigh(std::vector<Slot*>& slots) {
  KREDIS_CHECK(weigh_each(slots, pair_.large_on_average ? 1 : k_sampled));
  std::erase_if(slots, [](const Slot* slot) {
    return std::ranges::all_of(slot->keys, [](const Key& key) { return key.bytes < k_not_small; });
  });
  return pair_.large_on_average ? Status{} : weigh_each(slots, 1);
}

/// Every `step`th key; those between count as the one before.
Status SlotMover::weigh_each(const std::vector<Slot*>& slots, std::size_t step) {
  std::vector<Command> commands;
  for (const Slot* slot : slots) {
    for (std::size_t i = 0; i < slot->keys.size(); i += step) {
      commands.push_back({"MEMORY", "USAGE", slot->keys[i].name});
    }
  }
  if (commands.empty()) {
    return {};
  }
  KREDIS_TRY(const auto replies, at_source(commands));
  std::size_t at = 0;
  for (Slot* slot : slots) {
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < slot->keys.size(); ++i) {
      // Nil: it expired. An error: the user may not ask, and then every key counts as a small one.
      bytes = i % step == 0 ? replies[at++].integer : bytes;
      slot->keys[i].bytes = bytes;
    }
  }
  return {};
}

/// A MIGRATE for each slot, as keys of two slots cannot be in one, until there is enough of them.
SlotMover::Burst SlotMover::next_burst(std::vector<Slot>& slots, int database) {
  Burst burst;
  const std::size_t most_keys = pair_.pace.keys();
  const std::int64_t most_bytes = pair_.pace.bytes();
  const auto has_room = [&](const Key& key) {
    return burst.keys == 0 || (burst.keys < most_keys && burst.bytes + key.bytes <= most_bytes);
  };
  for (Slot& slot : slots) {
    if (slot.keys.empty() || !has_room(slot.keys.front())) {
      continue;
    }
    const std::size_t before = burst.keys;
    Command migrate{"MIGRATE",
                    pair_.target.address.ip,
                    std::to_string(pair_.target.address.port),
                    "",
                    std::to_string(database),
                    "",
                    "REPLACE"};
    migrate.insert(migrate.end(), pair_.login.begin(), pair_.login.end());
    migrate.emplace_back("KEYS");
    std::int64_t bytes = 0;
    while (!slot.keys.empty() && has_room(slot.keys.front())) {
      Key& key = slot.keys.front();
      if (key.bytes >= k_large_key) {
        const std::lock_guard lock(pair_.mutex);
        pair_.large = core::quoted(key.name) + " of " + core::bytes_text(key.bytes);
      }
      migrate.push_back(std::move(key.name));
      bytes += key.bytes;
      burst.bytes += key.bytes;
      ++burst.keys;
      slot.keys.pop_front();
    }
    // The server counts its time-out for each part that it writes or reads.
    migrate[5] = std::to_string(std::chrono::milliseconds(time_for(bytes)).count());
    if (burst.keys > before) {
      burst.commands.push_back(std::move(migrate));
    }
  }
  return burst;
}

/// REPLACE: the slot is open here and there, so a copy at the target is one whose acknowledgement
/// was lost, and the source's is the one that was served since.
Status SlotMover::send(const Burst& burst, const MoveStop& stop) {
  const auto began = steady_clock::now();
  const auto next = pair_.pace.next_after(began, burst.bytes);
  KREDIS_TRY(const auto replies, at_source(burst.commands, burst.bytes));
  for (const Reply& reply : replies) {
    if (reply.is_error()) {
      return redis::migrate_error_of(reply, pair_.source.pod, pair_.target.pod);
    }
  }
  // The source had the target's answers, unless all keys had expired.
  const bool all_gone =
      std::ranges::all_of(replies, [](const Reply& reply) { return reply.text == "NOKEY"; });
  target_alive_ = all_gone ? target_alive_ : began;
  const auto lasted = std::chrono::duration_cast<microseconds>(steady_clock::now() - began);
  pair_.pace.took(burst.keys, lasted, microseconds(pair_.felt.exchange(0)));
  pair_.keys += static_cast<std::int64_t>(burst.keys);
  pair_.bytes += burst.bytes;
  return wait_until(next, stop);
}

Status SlotMover::wait_to_close(const MoveStop& stop) {
  while (!pair_.may_close && !stop()) {
    KREDIS_CHECK(wait_until(steady_clock::now() + k_close_tick, stop));
  }
  return {};
}

/// Both ends are heard meanwhile.
Status SlotMover::wait_until(steady_clock::time_point then, const MoveStop& stop) {
  while (!stop() && steady_clock::now() < then) {
    std::this_thread::sleep_until(std::min(then, steady_clock::now() + k_between_signs));
    KREDIS_CHECK(at_target({{"PING"}}));
    KREDIS_TRY(const auto replies, at_source({{"PING"}}));
    KREDIS_CHECK(expect_no_error(replies, pair_.source.pod));
  }
  return {};
}

/// The source is asked to give the first one again, which it refuses where a replica took its place
/// meanwhile: the slots are that one's then, with keys, and the target's claim would delete them.
Result<bool> SlotMover::is_empty(const std::vector<std::uint32_t>& slots) {
  for (const int database : pair_.databases) {
    KREDIS_CHECK(select(database));
    std::vector<Command> commands =
        setslot_commands({slots.front()}, {"MIGRATING", pair_.target.id.to_text()});
    for (const std::uint32_t slot : slots) {
      commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
    }
    KREDIS_TRY(const auto replies, at_source(commands));
    KREDIS_CHECK(expect_no_error(replies, pair_.source.pod));
    if (std::ranges::any_of(replies, [](const Reply& reply) { return reply.integer != 0; })) {
      return false;
    }
  }
  return true;
}

/// Target, then source: while the source still answers for the slot nobody asks in vain. The target
/// raises its epoch as it closes a marked slot, and tells everybody at once.
Status SlotMover::close(const std::vector<std::uint32_t>& slots) {
  const std::vector<Command> owner = setslot_commands(slots, {"NODE", pair_.target.id.to_text()});
  KREDIS_CHECK(at_target(owner));
  KREDIS_TRY(const auto replies, at_source(owner));
  return expect_no_error(replies, pair_.source.pod);
}

}  // namespace kredis::plugin
