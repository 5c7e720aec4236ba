// SPDX-License-Identifier: Apache-2.0
//
// A small cluster client that knows one shard: it follows the slot from node to node as clients do,
// with its lines to all of the shard's nodes open beforehand.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "shared/core/plans/plan_drill.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

/// Where each node is reached now: pods come back with other addresses, or other names.
/// Threads: every member may be called from any thread.
class AddressBook {
 public:
  /// Notes the nodes that say who they are.
  void read(const core::ClusterView& view);
  std::optional<ports::RedisTarget> find(const core::NodeId& id) const;

 private:
  mutable std::mutex mutex_;
  std::map<core::NodeId, ports::RedisTarget> targets_;
};

/// Threads: one thread at a time.
class ProbeClient {
 public:
  ProbeClient(ports::RedisPort& redis, const AddressBook& book, core::ProbedShard shard);

  /// Opens the lines that can be opened.
  void open(ports::Deadline deadline);
  /// Sends the commands to whoever serves the slot, and again where it was sent on; after any other
  /// failure it looks for the slot anew the next time.
  /// Errors: those of the connection; conflict (an error reply to the first command).
  Result<std::vector<core::Reply>> ask(const std::vector<core::Command>& commands,
                                       ports::Deadline deadline);
  /// Whether the slot was found anew since this was last asked.
  bool found_anew();

 private:
  struct Line {
    core::NodeId id;
    std::unique_ptr<ports::RedisConnection> connection = {};
    std::chrono::milliseconds patience = k_first_patience;  ///< For the next attempt to connect.
  };
  static constexpr std::chrono::milliseconds k_first_patience{250};

  Result<std::vector<core::Reply>> ask_line(Line& line,
                                            const std::vector<core::Command>& commands,
                                            ports::Deadline deadline);
  Status connect(Line& line, ports::Deadline deadline);
  Status learn(ports::Deadline deadline);
  void learn_from(Line& line, ports::Deadline deadline);
  Line* line_of(const core::NodeId& id);

  ports::RedisPort& redis_;
  const AddressBook& book_;
  std::uint32_t slot_;
  std::vector<Line> lines_;
  Line* owner_ = nullptr;
  Line* failed_ = nullptr;
  std::uint64_t best_epoch_ = 0;
  bool found_anew_ = false;
};

}  // namespace kredis::plugin
