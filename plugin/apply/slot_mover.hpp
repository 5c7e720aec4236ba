// SPDX-License-Identifier: Apache-2.0
//
// Slots with their keys from one master to another by MIGRATE: what one worker does, on lines of
// its own, so that several can be in flight between two nodes.
// https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugin/apply/move_pace.hpp"
#include "shared/core/node.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

/// One end of a move.
struct MoveEnd {
  std::string pod;
  core::NodeId id;
  core::NodeAddress address = {};
};

/// What the workers of one pair share.
struct MovePair {
  MovePair(
      MoveEnd from, MoveEnd to, core::Command log_in, const MoveLimits& limits, std::size_t pairs)
      : source(std::move(from)),
        target(std::move(to)),
        login(std::move(log_in)),
        pace(limits, pairs) {}

  MoveEnd source;
  MoveEnd target;
  core::Command login;                  ///< How the source logs in at the target.
  std::vector<int> databases = {0};     ///< Where the source may have keys.
  bool sized = false;                   ///< Whether a key may be so large that sizes are asked for.
  bool large_on_average = false;        ///< Then each is asked for, at little cost beside its move.
  std::size_t chunk = 1;                ///< Slots that a worker opens together.
  std::atomic<bool> may_close = false;  ///< Not before all know the taker's epoch.
  MovePace pace;

  std::mutex mutex = {};
  std::deque<std::uint32_t> left = {};      ///< Not begun.
  std::vector<std::uint32_t> arrived = {};  ///< At both ends; the others are still to be told.
  std::atomic<std::uint32_t> slots = 0;     ///< Moved so far.
  std::atomic<std::int64_t> keys = 0;
  std::atomic<std::int64_t> bytes = 0;  ///< Where sizes are known.
  std::atomic<std::int64_t> felt = 0;   ///< What a client waited last, in microseconds.
  /// When both ends were known to be masters, and how long that may be believed without an answer:
  /// less than it takes others to give a node up, upon which a replica takes its place.
  std::chrono::steady_clock::time_point seen = {};
  std::chrono::milliseconds held_up_after = {};
  std::atomic<bool> held_up = false;  ///< An end was not heard of for that long.
  std::string large = {};             ///< The last large key: its name and size.
};

/// Whether to stop, asked between bursts.
using MoveStop = std::function<bool()>;

/// Threads: one thread at a time.
class SlotMover {
 public:
  SlotMover(MovePair& pair,
            std::unique_ptr<ports::RedisConnection> source,
            std::unique_ptr<ports::RedisConnection> target);

  /// Moves slots until none is left or `stop` says so; then slots may stay open.
  /// Errors: conflict (a node refused: its own words), those of the connections.
  Status run(const MoveStop& stop);

 private:
  struct Key {
    std::string name;
    std::int64_t bytes;
  };
  struct Slot {
    std::uint32_t number;
    std::deque<Key> keys = {};
    bool listed_all = false;
  };
  struct Burst {
    std::vector<core::Command> commands = {};
    std::size_t keys = 0;
    std::int64_t bytes = 0;
  };

  std::vector<std::uint32_t> take();
  Status move(const std::vector<std::uint32_t>& slots, const MoveStop& stop);
  Status open(const std::vector<std::uint32_t>& slots);
  Status drain(const std::vector<std::uint32_t>& slots, int database, const MoveStop& stop);
  Status list(std::vector<Slot>& slots);
  Status weigh(std::vector<Slot*>& slots);
  Status weigh_each(const std::vector<Slot*>& slots, std::size_t step);
  Burst next_burst(std::vector<Slot>& slots, int database);
  Status send(const Burst& burst, const MoveStop& stop);
  Status wait_to_close(const MoveStop& stop);
  Status wait_until(std::chrono::steady_clock::time_point then, const MoveStop& stop);
  Result<bool> is_empty(const std::vector<std::uint32_t>& slots);
  Status close(const std::vector<std::uint32_t>& slots);
  Result<std::vector<core::Reply>> at_source(const std::vector<core::Command>& commands,
                                             std::int64_t bytes = 0);
  Status at_target(const std::vector<core::Command>& commands);
  Status select(int database);

  MovePair& pair_;
  std::unique_ptr<ports::RedisConnection> source_;
  std::unique_ptr<ports::RedisConnection> target_;
  int database_ = 0;
  /// When the last command was sent that the node has answered.
  std::chrono::steady_clock::time_point source_alive_;
  std::chrono::steady_clock::time_point target_alive_;
};

}  // namespace kredis::plugin
