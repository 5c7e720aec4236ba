// SPDX-License-Identifier: Apache-2.0
//
// port-forward: TCP connections to a pod's ports, carried over a client's channels.
#pragma once

#include <functional>
#include <string>

#include "tests/sandbox/api/streams.hpp"

namespace kredis::sandbox {

struct ForwardTarget {
  std::string address;
  std::string pod_uid;
  /// Asked once a second: false when the node cannot be reached any more.
  std::function<bool()> is_reachable;
};

Status serve_port_forward(const StreamRequest& request,
                          ByteStream& stream,
                          const ForwardTarget& target);

}  // namespace kredis::sandbox
