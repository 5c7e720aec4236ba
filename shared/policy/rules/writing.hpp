// SPDX-License-Identifier: Apache-2.0
//
// Rules on how a manifest is written, whatever it says.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_texts(const Subject& subject, Report& report);

inline constexpr std::array k_writing_rules{
    Rule{.id = "RC077",
         .title = "Words are texts",
         .kinds = k_workload | k_config_map,
         .severity = RuleSeverity::error,
         .check = &check_texts,
         .documentation =
             {.why = "YAML makes a boolean of yes, no, on and off, and a number of 6379. Where a "
                     "text belongs, the API server refuses them.",
              .place = Place::container,
              .bad = "args: [--appendonly, yes]\n",
              .good = "args: [--appendonly, \"yes\"]\n"}},
};

}  // namespace kredis::policy
