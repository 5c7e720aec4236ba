// SPDX-License-Identifier: Apache-2.0
//
// A cluster as ONE of its nodes sees it. What several nodes see, joined with pods, is
// cluster_view.hpp.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/core/node.hpp"

namespace kredis::core {

/// Made once and then read often, by every plan and finding: what each of them asks is read from
/// the lines when it is made, not at each question.
class Topology {
 public:
  Topology() = default;
  explicit Topology(std::vector<Node> nodes);

  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const Node* find(const NodeId& id) const noexcept;
  /// The viewer itself; null when no line carried the flag.
  const Node* myself() const noexcept { return myself_ ? &nodes_[*myself_] : nullptr; }
  std::vector<const Node*> masters() const;
  std::vector<const Node*> replicas_of(const NodeId& master) const;
  SlotSet assigned_slots() const;

  /// What nodes must agree on: ids, roles, masters, slots; handshake nodes count. Equal for equal
  /// views, whatever the order of lines (others have the same once in 2^64).
  std::uint64_t signature() const noexcept { return signature_; }

 private:
  std::vector<Node> nodes_ = {};
  std::vector<std::size_t> by_id_ = {};
  std::optional<std::size_t> myself_ = {};
  std::uint64_t signature_ = 0;
};

/// CLUSTER INFO. https://redis.io/docs/latest/commands/cluster-info/
struct ClusterInfo {
  bool state_ok = false;
  std::uint32_t slots_assigned = 0;
  std::uint32_t slots_ok = 0;
  std::uint32_t slots_pfail = 0;
  std::uint32_t slots_fail = 0;
  std::uint32_t known_nodes = 0;
  std::uint32_t size = 0;
  std::uint64_t current_epoch = 0;
  std::uint64_t my_epoch = 0;
};

/// What the product reads of INFO (server, clients, memory, persistence, replication, keyspace).
struct ServerInfo {
  std::string server = "redis";  ///< "redis" or "valkey".
  std::string version = {};  ///< "7.0.15"; for Valkey its own version, not the Redis one it claims.
  bool loading = false;
  bool cluster_enabled = false;
  bool aof_enabled = false;
  std::optional<bool> rdb_enabled =
      {};  ///< Save points exist; INFO does not tell, CONFIG GET does.
  std::int64_t used_memory_bytes = 0;
  std::int64_t used_memory_rss_bytes = 0;
  std::int64_t max_memory_bytes = 0;
  bool evicts = false;  ///< When it is full, keys go; else writes are refused.
  std::int64_t keys = 0;
  std::int64_t uptime_seconds = 0;
  Role role = Role::master;
  std::int64_t replication_offset = 0;  ///< master_repl_offset, or slave_repl_offset on a replica.
  bool master_link_up = false;          ///< Replicas only.
  std::string master_host = {};         ///< Where a replica looks for its master.
  std::int64_t connected_replicas = 0;
  bool snapshot_failed = false;   ///< The last RDB snapshot.
  bool aof_rewriting = false;     ///< An append-only file is being written, or about to be.
  bool aof_write_failed = false;  ///< The last write of the append-only file.
  std::optional<std::int64_t> good_replicas = {};  ///< As min-replicas-to-write counts, where set.

  std::optional<std::int64_t> libraries = {};  ///< Of functions; servers before 7.0 have none.

  // What INFO does not tell and CONFIG GET does; nullopt where it was not said.
  std::optional<bool> stops_writes = {};             ///< stop-writes-on-bgsave-error.
  std::optional<bool> wants_password = {};           ///< requirepass is set.
  std::optional<bool> gives_password = {};           ///< masterauth is set.
  std::optional<std::int64_t> least_replicas = {};   ///< min-replicas-to-write.
  std::optional<std::int64_t> node_timeout_ms = {};  ///< cluster-node-timeout.
  std::optional<std::int64_t> io_threads = {};       ///< io-threads.
};

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

/// The version of the server's own kind; nullopt where it was not told.
std::optional<Version> version_of(const ServerInfo& server);

}  // namespace kredis::core
