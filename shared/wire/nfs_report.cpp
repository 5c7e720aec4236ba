// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/nfs_report.hpp"

#include "shared/wire/report.hpp"

namespace kredis::wire {

Json nfs_report(const NfsReport& report) {
  Json list = Json::array();
  for (const ExportTrouble& trouble : report.troubles) {
    list.push_back({{"folder", trouble.folder}, {"what", trouble.what}, {"fix", trouble.fix}});
  }
  return {{"apiVersion", k_report_api},
          {"kind", "NfsCheck"},
          {"server", report.server},
          {"path", report.path},
          {"folders", report.folders},
          {"troubles", list}};
}

}  // namespace kredis::wire
