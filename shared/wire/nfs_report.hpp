// SPDX-License-Identifier: Apache-2.0
//
// What `nfs check` found, as JSON.
#pragma once

#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/wire/nfs_exports.hpp"

namespace kredis::wire {

struct NfsReport {
  std::string server = {};
  std::string path = {};
  int folders = 0;  ///< That were looked for.
  std::vector<ExportTrouble> troubles = {};
};

/// kind NfsCheck.
Json nfs_report(const NfsReport& report);

}  // namespace kredis::wire
