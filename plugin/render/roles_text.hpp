// SPDX-License-Identifier: Apache-2.0
//
// Roles as YAML for people: a line a rule, each with its reason behind it. kubectl reads it as
// well.
#pragma once

#include <string>
#include <vector>

#include "shared/json/json.hpp"

namespace kredis::plugin {

/// A Role or ClusterRole, and why it has each of its rules, in their order.
struct ExplainedRole {
  Json object;
  std::vector<std::string> reasons = {};
};

std::string render_roles(const std::vector<ExplainedRole>& roles,
                         const std::vector<Json>& bindings);

}  // namespace kredis::plugin
