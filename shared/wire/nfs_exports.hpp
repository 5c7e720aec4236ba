// SPDX-License-Identifier: Apache-2.0
//
// The folders that static volumes need on an NFS server: the lines that export them, and what an
// export list lacks of them.
#pragma once

#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/wire/onc_rpc.hpp"

namespace kredis::wire {

/// pv1 .. pvCOUNT below `path`.
std::vector<std::string> nfs_folders(const std::string& path, int count);

/// A client as /etc/exports takes it: an address, a network as ADDRESS/BITS, a name, or *.
/// Errors: invalid_argument.
core::Status check_nfs_client(const std::string& client);

/// The lines of /etc/exports, as in the article.
std::string exports_file(const std::vector<std::string>& folders, const std::string& client);

/// One folder that pods could not mount, and what to do on the server.
struct ExportTrouble {
  std::string folder = {};
  std::string what = {};
  std::string fix = {};
};

/// Compares with the server's list. Without `client` only presence counts; with it, that every
/// address of the client's network may mount. A folder below an exported one is not exported.
std::vector<ExportTrouble> missing_exports(const std::vector<std::string>& folders,
                                           const std::vector<NfsExport>& exports,
                                           const std::string& client);

}  // namespace kredis::wire
