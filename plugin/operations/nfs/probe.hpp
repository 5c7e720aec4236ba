// SPDX-License-Identifier: Apache-2.0
//
// Whether an NFS server answers at all. What it exports is not looked at here.
#pragma once

#include <string>

#include "shared/core/result.hpp"

namespace kredis::plugin {

/// Connects to the server's NFS port (2049), then to its port mapper (111), within three seconds.
/// Errors: unreachable, when neither answers.
Status probe_nfs_server(const std::string& server);

}  // namespace kredis::plugin
