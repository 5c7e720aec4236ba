// SPDX-License-Identifier: Apache-2.0
//
// Atomic moves of slots: jobs that the servers run themselves, from Valkey 9.0 and Redis 8.4 on.
// https://valkey.io/topics/atomic-slot-migration/
// https://redis.io/docs/latest/commands/cluster-migration/
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/core/node.hpp"
#include "shared/core/slot_set.hpp"
#include "shared/core/topology.hpp"

namespace kredis::core {

/// The end of a move that is told to begin it, lists it and can end it.
enum class JobEnd {
  source,  ///< Valkey: CLUSTER MIGRATESLOTS.
  target,  ///< Redis: CLUSTER MIGRATION IMPORT.
};

/// Where a server of this kind and version is told to move slots; nullopt where it cannot.
std::optional<JobEnd> job_end(const ServerInfo& server);

/// One job as the node that answers for it tells of it.
struct SlotJob {
  enum class State { running, done, failed, cancelled };
  std::string id;
  SlotSet slots = {};
  NodeId source;
  NodeId target;
  State state = State::running;
  std::string words = {};  ///< The server's own: how far it is, and why it failed.
  /// Redis begins a job that failed anew each second, without end: then it runs on.
  bool fails = false;
};

}  // namespace kredis::core
