// SPDX-License-Identifier: Apache-2.0
//
// Where nodes run other settings than their redis.conf has, as JSON. Passwords are not in it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/wire/config_plan.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::wire {

struct DriftReport {
  std::string cluster = {};
  std::string namespace_ = {};
  std::string config_map = {};
  std::string key = {};  ///< Of its data, "redis.conf".
  RedisConf config = {};
  std::size_t pods = 0;
  std::vector<NodeDrift> drifts = {};
};

/// "live" or "restart".
const char* to_text(Mend mend);

/// kind ConfigDrift.
Json drift_report(const DriftReport& report);

}  // namespace kredis::wire
