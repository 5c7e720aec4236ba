// SPDX-License-Identifier: Apache-2.0
//
// Roles as YAML for people: a line a rule, each with its reason behind it. kubectl reads it as
// well.
#pragma once

#include <string>
#include <vector>

#include "plugin/operations/roles.hpp"

namespace kredis::plugin {

std::string render_roles(const std::vector<RolePlan>& roles, const std::vector<Json>& bindings);

}  // namespace kredis::plugin
