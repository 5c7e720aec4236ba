// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/drift_report.hpp"

#include "shared/wire/report.hpp"

namespace kredis::wire {

const char* to_text(Mend mend) { return mend == Mend::live ? "live" : "restart"; }

Json drift_report(const DriftReport& report) {
  Json nodes = Json::array();
  for (const NodeDrift& node : report.drifts) {
    Json drifts = Json::array();
    for (const Drift& drift : node.drifts) {
      const bool secret = is_secret_setting(drift.name);
      drifts.push_back({{"setting", drift.name},
                        {"wanted", secret ? Json("(secret)") : Json(drift.wanted)},
                        {"runs", secret || !drift.known ? Json() : Json(drift.found)},
                        {"known", drift.known},
                        {"mendedBy", to_text(drift.mend)}});
    }
    nodes.push_back({{"pod", node.pod}, {"drift", drifts}});
  }
  return {{"apiVersion", k_report_api},
          {"kind", "ConfigDrift"},
          {"name", report.cluster},
          {"namespace", report.namespace_},
          {"configMap", report.config_map},
          {"pods", report.pods},
          {"nodes", nodes},
          {"notCompared", untold_settings(report.config)}};
}

}  // namespace kredis::wire
