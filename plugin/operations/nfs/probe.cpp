// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/nfs/probe.hpp"

#include <chrono>

#include "shared/redis/dial.hpp"

namespace kredis::plugin {

Status probe_nfs_server(const std::string& server) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  for (const int port : {2049, 111}) {
    if (redis::dial(server, port, "NFS server " + server, deadline)) {
      return {};
    }
  }
  return Error::unreachable("NFS server " + server + " answers neither on port 2049 nor on 111")
      .with_hint("check --nfs-server, and on it: systemctl status nfs-server rpcbind; exportfs -v");
}

}  // namespace kredis::plugin
