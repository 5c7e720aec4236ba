// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/cluster_nodes.hpp"

#include <set>
#include <string>
#include <vector>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using core::Node;
using core::NodeAddress;
using core::NodeFlags;
using core::NodeId;
using core::OpenSlot;
using core::Role;
using core::SlotRange;

constexpr int k_last_port = 65'535;

Error unreadable(std::string_view what, std::string_view text) {
  return Error::protocol(std::string{what} + " " + core::quoted(text));
}

Result<int> parse_port(std::string_view text) {
  const auto port = core::to_number<int>(text);
  if (!port || *port < 0 || *port > k_last_port) {
    return unreadable("no port number:", text);
  }
  return *port;
}

/// "?" is how a server writes a name or an address that it does not know.
std::string known(std::string_view text) { return text == "?" ? std::string{} : std::string{text}; }

/// Reads "ip:port", "ip:port@bus"; IPv6 comes without brackets, so the last colon counts.
Status read_endpoint(std::string_view text, NodeAddress& address) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return unreadable("no ip:port in", text);
  }
  std::string_view ip = text.substr(0, colon);
  if (ip.size() > 2 && ip.starts_with('[') && ip.ends_with(']')) {
    ip = ip.substr(1, ip.size() - 2);
  }
  address.ip = known(ip);
  const std::string_view ports = text.substr(colon + 1);
  const std::size_t at = ports.find('@');
  KREDIS_TRY(address.port, parse_port(ports.substr(0, at)));
  if (at != std::string_view::npos) {
    KREDIS_TRY(address.bus_port, parse_port(ports.substr(at + 1)));
  } else if (address.port != 0 && address.port + core::k_bus_offset <= k_last_port) {
    address.bus_port = address.port + core::k_bus_offset;  // Redis before 4.0 does not write it.
  }
  return {};
}

/// Reads "endpoint[,hostname][,name=value]...".
Status read_address(std::string_view text, Node& node) {
  const std::vector<std::string_view> parts = core::split(text, ',');
  KREDIS_CHECK(read_endpoint(parts.front(), node.address));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals != std::string_view::npos) {
      if (parts[i].substr(0, equals) == "shard-id") {
        node.shard_id = parts[i].substr(equals + 1);
      }
    } else if (i == 1) {
      node.address.hostname = known(parts[i]);
    } else {
      return unreadable("no name=value in the address field:", parts[i]);
    }
  }
  return {};
}

Status read_flags(std::string_view text, Node& node) {
  NodeFlags& flags = node.flags;
  for (const std::string_view flag : core::split(text, ',')) {
    if (flag == "myself") {
      flags.myself = true;
    } else if (flag == "master" || flag == "primary") {
      node.role = Role::master;
    } else if (flag == "slave" || flag == "replica") {
      node.role = Role::replica;
    } else if (flag == "fail?") {
      flags.pfail = true;
    } else if (flag == "fail") {
      flags.fail = true;
    } else if (flag == "handshake") {
      flags.handshake = true;
    } else if (flag == "noaddr") {
      flags.noaddr = true;
    } else if (flag == "nofailover") {
      flags.nofailover = true;
    } else if (flag != "noflags") {
      return unreadable("unknown flag", flag);
    }
  }
  return {};
}

/// Reads "[93-<-id]" (importing) or "[77->-id]" (migrating).
Result<OpenSlot> parse_open_slot(std::string_view text) {
  constexpr std::size_t k_arrow = 3;
  const std::size_t arrow = text.find('-');
  if (!text.ends_with(']') || arrow == std::string_view::npos || arrow + k_arrow >= text.size()) {
    return unreadable("no open slot:", text);
  }
  const auto slot = core::to_number<std::uint32_t>(text.substr(1, arrow - 1));
  const std::string_view mark = text.substr(arrow, k_arrow);
  if (!slot || *slot >= core::k_slot_count || (mark != "->-" && mark != "-<-")) {
    return unreadable("no open slot:", text);
  }
  const std::size_t begin = arrow + k_arrow;
  KREDIS_TRY(NodeId other, NodeId::parse(text.substr(begin, text.size() - 1 - begin)));
  const auto direction =
      mark == "->-" ? OpenSlot::Direction::migrating : OpenSlot::Direction::importing;
  return OpenSlot{.slot = *slot, .direction = direction, .other = std::move(other)};
}

Status read_slots(const std::vector<std::string_view>& words, std::size_t first, Node& node) {
  for (std::size_t i = first; i < words.size(); ++i) {
    if (words[i].starts_with('[')) {
      KREDIS_TRY(OpenSlot open, parse_open_slot(words[i]));
      node.open_slots.push_back(std::move(open));
    } else {
      KREDIS_TRY(const SlotRange range, SlotRange::parse(words[i]));
      node.slots.insert(range);
    }
  }
  return {};
}

template <typename Number>
Status read_number(std::string_view text, Number& into) {
  const auto value = core::to_number<Number>(text);
  if (!value) {
    return unreadable("no number:", text);
  }
  into = *value;
  return {};
}

Status read_master(std::string_view text, Node& node) {
  if (text == "-") {
    return {};
  }
  if (node.role == Role::master) {
    return unreadable("a master that replicates", text);
  }
  KREDIS_TRY(node.master, NodeId::parse(text));
  return {};
}

Result<Node> parse_line(std::string_view line) {
  enum Field { id, address, flags, master, ping, pong, epoch, link, first_slot };
  const std::vector<std::string_view> words = core::split_words(line);
  if (words.size() < first_slot) {
    return Error::protocol("only " + std::to_string(words.size()) + " of 8 fields");
  }
  KREDIS_TRY(NodeId node_id, NodeId::parse(words[id]));
  Node node{.id = std::move(node_id)};
  KREDIS_CHECK(read_address(words[address], node));
  KREDIS_CHECK(read_flags(words[flags], node));
  KREDIS_CHECK(read_master(words[master], node));
  KREDIS_CHECK(read_number(words[ping], node.ping_sent_ms));
  KREDIS_CHECK(read_number(words[pong], node.pong_received_ms));
  KREDIS_CHECK(read_number(words[epoch], node.config_epoch));
  if (words[link] != "connected" && words[link] != "disconnected") {
    return unreadable("unknown link state", words[link]);
  }
  node.link_connected = words[link] == "connected";
  KREDIS_CHECK(read_slots(words, first_slot, node));
  return node;
}

Error in_line(const Error& error, std::string_view line) {
  return Error::protocol("CLUSTER NODES: " + error.message + " in the line " + core::quoted(line))
      .with_hint("check that the server is Redis 3.2 to 8 or Valkey 7.2 to 9");
}

}  // namespace

Result<core::Topology> parse_cluster_nodes(std::string_view text) {
  std::vector<Node> nodes;
  std::set<NodeId> seen;
  for (const std::string_view line : core::split_lines(text)) {
    if (core::trim(line).empty() || line.starts_with("vars ")) {
      continue;
    }
    auto node = parse_line(line);
    if (!node) {
      return in_line(node.error(), line);
    }
    if (!seen.insert(node->id).second) {
      return in_line(Error::protocol("a second entry for one node"), line);
    }
    nodes.push_back(*std::move(node));
  }
  if (nodes.empty()) {
    return Error::protocol("CLUSTER NODES: no node in the answer");
  }
  return core::Topology(std::move(nodes));
}

}  // namespace kredis::wire
