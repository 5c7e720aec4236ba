// SPDX-License-Identifier: Apache-2.0
//
// One line to each Redis node of a cluster, opened when first used and kept: asking everybody, or
// telling each something else, costs one round trip however many they are.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::observe {

/// What one node answered: a reply for each command, or why there is none.
using Answer = Result<std::vector<core::Reply>>;

/// Threads: one thread at a time; inside, nodes are spoken to in parallel.
class Switchboard {
 public:
  Switchboard(ports::RedisPort& redis, std::vector<ports::RedisTarget> targets);

  /// How one of these nodes logs in to another.
  core::Command login() const { return redis_.login(); }

  std::size_t size() const noexcept { return lines_.size(); }
  const ports::RedisTarget& target(std::size_t at) const { return lines_[at].target; }

  /// Sends the same commands to every node. Answers are in the order of the targets.
  std::vector<Answer> ask_all(const std::vector<core::Command>& commands, ports::Deadline deadline);
  /// Sends `commands[i]` to node i; nothing to those with none, whose answer is empty.
  std::vector<Answer> ask_each(const std::vector<std::vector<core::Command>>& commands,
                               ports::Deadline deadline);
  /// Sends the commands to node `at` alone.
  Answer ask_one(std::size_t at,
                 const std::vector<core::Command>& commands,
                 ports::Deadline deadline) {
    return ask(lines_[at], commands, deadline);
  }
  /// What CONFIG GET says of the setting on each node; nothing where that is not known.
  std::vector<std::optional<std::string>> ask_setting(const std::string& name,
                                                      ports::Deadline deadline);

  /// A further line to one node, for somebody who works beside this.
  Result<std::unique_ptr<ports::RedisConnection>> open(std::size_t at, ports::Deadline deadline) {
    return redis_.connect(lines_[at].target, deadline);
  }

 private:
  struct Line {
    ports::RedisTarget target;
    std::unique_ptr<ports::RedisConnection> connection = {};
  };
  /// A line that broke is opened anew for the next call, never for the same commands.
  Answer ask(Line& line, const std::vector<core::Command>& commands, ports::Deadline deadline);

  ports::RedisPort& redis_;
  std::vector<Line> lines_;
};

/// Where the Redis of each member is reached.
std::vector<ports::RedisTarget> targets_of(const core::ClusterView& view);

}  // namespace kredis::observe
