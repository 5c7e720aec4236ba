// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a topology that keeps its promises or one error that quotes a line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/wire/cluster_nodes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto topology = kredis::wire::parse_cluster_nodes(text);
  if (!topology) {
    if (topology.error().message.empty() || topology.error().code != kredis::ErrorCode::protocol) {
      std::abort();
    }
    return 0;
  }
  for (const auto& node : topology->nodes()) {
    const bool found = topology->find(node.id) == &node;
    const bool ports = node.address.port >= 0 && node.address.port <= 65'535;
    if (!found || !ports || node.slots.size() > kredis::core::k_slot_count) {
      std::abort();
    }
    for (const auto& open : node.open_slots) {
      if (open.slot >= kredis::core::k_slot_count) {
        std::abort();
      }
    }
  }
  return topology->nodes().empty() || topology->signature() == kredis::core::Topology().signature()
         ? std::abort(),
         1 : 0;
}
