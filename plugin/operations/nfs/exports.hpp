// SPDX-License-Identifier: Apache-2.0
//
// Asking an NFS server for its export list, as `showmount -e` does.
#pragma once

#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/wire/onc_rpc.hpp"

namespace kredis::plugin {

struct NfsServer {
  std::string host = {};
  int mount_port = 0;  ///< 0: ask the port mapper, on 111.
};

/// Errors: unreachable, timeout, not_found (no mount service: NFS version 4 only), unauthorized,
/// protocol.
Result<std::vector<wire::NfsExport>> ask_exports(const NfsServer& server, ports::Deadline deadline);

}  // namespace kredis::plugin
