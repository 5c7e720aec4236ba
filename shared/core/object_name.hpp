// SPDX-License-Identifier: Apache-2.0
//
// One object of Kubernetes, as people and as the API server name it.
#pragma once

#include <string>

namespace kredis::core {

struct ObjectName {
  std::string kind;  ///< As kubectl prints it: "statefulset.apps".
  std::string api_version;
  std::string plural;
  std::string namespace_ = {};  ///< Empty for cluster scope.
  std::string name;
  std::string uid = {};

  /// "statefulset.apps/redis-app".
  std::string to_text() const { return kind + "/" + name; }
  /// Whether it is a workload, of the kinds that the product knows.
  bool runs_pods() const { return plural == "statefulsets" || plural == "deployments"; }
};

}  // namespace kredis::core
