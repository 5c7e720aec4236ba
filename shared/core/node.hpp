// SPDX-License-Identifier: Apache-2.0
//
// One node of a cluster as another node (or itself) describes it: a line of CLUSTER NODES as
// values. https://redis.io/docs/latest/commands/cluster-nodes/
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/core/slot_set.hpp"

namespace kredis::core {

/// A node's name for life: 40 lower-case hexadecimal digits, kept in nodes.conf.
class NodeId {
 public:
  /// Errors: invalid_argument, quoting the text.
  static Result<NodeId> parse(std::string_view text);
  const std::string& to_text() const noexcept { return text_; }
  /// The first eight digits, for people.
  std::string short_text() const { return text_.substr(0, 8); }
  friend auto operator<=>(const NodeId&, const NodeId&) = default;

 private:
  explicit NodeId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// What Redis adds to the client port for the bus, where no `cluster-port` says otherwise.
inline constexpr int k_bus_offset = 10'000;

enum class Role { master, replica };

/// Where a node says it can be reached. `ip` may be IPv4, IPv6 without brackets, or empty.
struct NodeAddress {
  std::string ip;
  int port = 0;
  int bus_port = 0;
  std::string hostname = {};
  friend bool operator==(const NodeAddress&, const NodeAddress&) = default;
};

/// One half-moved slot, "[93-<-id]" or "[77->-id]".
struct OpenSlot {
  enum class Direction { migrating, importing };
  std::uint32_t slot;
  Direction direction;
  NodeId other;
  friend bool operator==(const OpenSlot&, const OpenSlot&) = default;
};

struct NodeFlags {
  bool myself = false;
  bool pfail = false;  ///< "fail?": this viewer alone cannot reach it.
  bool fail = false;   ///< The majority agreed that it is gone.
  bool handshake = false;
  bool noaddr = false;
  bool nofailover = false;
  friend bool operator==(const NodeFlags&, const NodeFlags&) = default;
};

struct Node {
  NodeId id;
  NodeAddress address = {};
  Role role = Role::master;
  std::optional<NodeId> master = {};
  NodeFlags flags = {};
  std::int64_t ping_sent_ms = 0;
  std::int64_t pong_received_ms = 0;
  std::uint64_t config_epoch = 0;
  bool link_connected = true;
  SlotSet slots = {};
  std::vector<OpenSlot> open_slots = {};
  std::string shard_id = {};
  friend bool operator==(const Node&, const Node&) = default;
};

}  // namespace kredis::core
