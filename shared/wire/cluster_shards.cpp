// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_shards.hpp"

#include <string_view>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using core::Reply;

Error unreadable(const std::string& what) { return Error::protocol("CLUSTER SHARDS: " + what); }

std::string text_of(const Reply& map, std::string_view name) {
  const Reply* value = map.find(name);
  return value == nullptr || value->text == "?" ? std::string{} : value->text;
}

Result<int> port_of(const Reply& map, std::string_view name) {
  constexpr std::int64_t k_highest_port = 65'535;
  const Reply* value = map.find(name);
  if (value == nullptr) {
    return 0;
  }
  if (value->kind != Reply::Kind::integer || value->integer < 0 ||
      value->integer > k_highest_port) {
    return unreadable("\"" + std::string{name} + "\" is not a port");
  }
  return static_cast<int>(value->integer);
}

Result<ShardNode> parse_node(const Reply& map) {
  KREDIS_TRY(core::NodeId id, core::NodeId::parse(text_of(map, "id")));
  ShardNode node{.id = std::move(id)};
  node.address.ip = text_of(map, "ip");
  node.address.hostname = text_of(map, "hostname");
  node.endpoint = text_of(map, "endpoint");
  node.health = text_of(map, "health");
  KREDIS_TRY(node.address.port, port_of(map, "port"));
  KREDIS_TRY(node.tls_port, port_of(map, "tls-port"));
  const std::string role = text_of(map, "role");
  if (role != "master" && role != "replica" && role != "slave") {
    return unreadable("unknown role " + core::quoted(role));
  }
  node.role = role == "master" ? core::Role::master : core::Role::replica;
  const Reply* offset = map.find("replication-offset");
  node.replication_offset = offset == nullptr ? 0 : offset->integer;
  return node;
}

Result<core::SlotSet> parse_slots(const Reply& pairs) {
  core::SlotSet slots;
  if (pairs.items.size() % 2 != 0) {
    return unreadable("an odd number of slot borders");
  }
  for (std::size_t i = 0; i < pairs.items.size(); i += 2) {
    const std::int64_t first = pairs.items[i].integer;
    const std::int64_t last = pairs.items[i + 1].integer;
    if (first < 0 || last < first || last >= core::k_slot_count) {
      return unreadable("no slots: " + std::to_string(first) + "-" + std::to_string(last));
    }
    KREDIS_TRY(
        const core::SlotRange range,
        core::SlotRange::make(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)));
    slots.insert(range);
  }
  return slots;
}

}  // namespace

Result<std::vector<Shard>> parse_cluster_shards(const Reply& reply) {
  if (reply.kind != Reply::Kind::array) {
    return unreadable(reply.is_error() ? reply.text : "the answer is not a list");
  }
  std::vector<Shard> shards;
  for (const Reply& item : reply.items) {
    const Reply* slots = item.find("slots");
    const Reply* nodes = item.find("nodes");
    if (slots == nullptr || nodes == nullptr) {
      return unreadable(R"(a shard without "slots" and "nodes")");
    }
    Shard shard;
    KREDIS_TRY(shard.slots, parse_slots(*slots));
    for (const Reply& map : nodes->items) {
      KREDIS_TRY(ShardNode node, parse_node(map));
      shard.nodes.push_back(std::move(node));
    }
    shards.push_back(std::move(shard));
  }
  return shards;
}

}  // namespace kredis::wire
