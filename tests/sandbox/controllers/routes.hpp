// SPDX-License-Identifier: Apache-2.0
//
// What the service proxy is to do: which address and port leads to which pods. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

struct SocketAddress {
  std::string address;
  std::uint16_t port;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// From where a service is reached to the ready pods behind it. A service that has none is absent,
/// so that connecting to it is refused, as kube-proxy does.
using Routes = std::map<SocketAddress, std::vector<SocketAddress>>;

/// ClusterIPs, node ports on every node's address, load balancer addresses, and the API server.
Routes routes_of(const Objects& services,
                 const Objects& pods,
                 const Objects& nodes,
                 const ControllerOptions& options);

}  // namespace kredis::sandbox
