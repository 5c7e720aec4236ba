// SPDX-License-Identifier: Apache-2.0
//
// Tunnels to ports of pods, through the API server: WebSocket subprotocol v4.channel.k8s.io.
// All tunnels of a client are served by one background thread.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/kube/rest.hpp"
#include "shared/kube/websocket.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

/// Destroying it ends all its tunnels. Threads: any.
class Tunnels {
 public:
  /// Dials, in the caller's thread, and hands the tunnel to the background thread.
  /// Errors: those of any call; invalid_argument for a port outside 1..65535.
  Result<std::unique_ptr<ports::Tunnel>> open(RestClient& rest,
                                              const std::string& namespace_,
                                              const std::string& pod,
                                              int port,
                                              Deadline deadline);

 private:
  WebSocketLoop loop_;
};

}  // namespace kredis::kube
