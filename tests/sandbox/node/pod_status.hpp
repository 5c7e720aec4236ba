// SPDX-License-Identifier: Apache-2.0
//
// A pod's `status` as the kubelet writes it. Pure: what the containers say goes in as JSON.
#pragma once

#include <chrono>
#include <string>

#include "shared/json/json.hpp"

namespace kredis::sandbox {

struct PodReport {
  std::string phase;
  std::string pod_address;  ///< Empty before it has one.
  std::string node_address;
  std::string start_time;
  bool initialized = false;
  Json init_statuses = Json::array();
  Json container_statuses = Json::array();
};

/// Writes the report into the pod's status; what others keep there (PodScheduled) stays.
void write_report(Json& pod, const PodReport& report, std::chrono::system_clock::time_point now);

}  // namespace kredis::sandbox
