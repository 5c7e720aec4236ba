// SPDX-License-Identifier: Apache-2.0
//
// Drift from redis.conf, and the plan that mends it, as text and JSON. Passwords are never in
// either.
#pragma once

#include <string>
#include <vector>

#include "plugin/operations/config_source.hpp"
#include "plugin/render/text_style.hpp"
#include "shared/wire/config_plan.hpp"

namespace kredis::plugin {

struct ConfigPicture {
  std::string cluster = {};
  std::string namespace_ = {};
  ConfigSource source = {};
  std::size_t pods = 0;
  std::vector<wire::NodeDrift> drifts = {};
};

std::string render_drift(const ConfigPicture& picture, const TextStyle& style);

/// kind ConfigDrift, apiVersion kubectl-redis.dev/v1.
Json drift_report(const ConfigPicture& picture);

std::string render_config_plan(const wire::ConfigPlan& plan);

}  // namespace kredis::plugin
