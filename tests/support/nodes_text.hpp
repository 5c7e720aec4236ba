// SPDX-License-Identifier: Apache-2.0
//
// CLUSTER NODES as a server writes it, from values: the way back of wire/cluster_nodes.
// https://redis.io/docs/latest/commands/cluster-nodes/
#pragma once

#include <string>

#include "shared/core/node.hpp"

namespace kredis::tests {

/// One node's line, with what the fakes set: address, flags, master, epoch, link and slots.
inline std::string node_line(const core::Node& node) {
  std::string line = node.id.to_text() + " " + node.address.ip + ":" +
                     std::to_string(node.address.port) + "@" +
                     std::to_string(node.address.bus_port);
  line += node.flags.myself ? " myself," : " ";
  line += node.role == core::Role::master ? "master" : "slave";
  line += node.flags.handshake ? ",handshake" : "";
  line += node.flags.fail ? ",fail" : "";
  line += " " + (node.master ? node.master->to_text() : "-") + " 0 0 " +
          std::to_string(node.config_epoch);
  line += node.link_connected ? " connected" : " disconnected";
  for (const core::SlotRange& range : node.slots.ranges()) {
    line += " " + range.to_text();
  }
  return line + "\n";
}

}  // namespace kredis::tests
