// SPDX-License-Identifier: Apache-2.0
//
// Rules on who may log in where.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_master_password(const Subject& subject, Report& report);

inline constexpr std::array k_access_rules{
    Rule{.id = "RC076",
         .title = "Replicas know their master's password",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_master_password,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "With requirepass and no masterauth a replica cannot log in to its master. It "
                     "copies nothing, and whoever fails over to it loses all.",
              .place = Place::container,
              .bad = "command: [redis-server, /etc/redis/redis.conf, --requirepass, $(PASSWORD)]\n",
              .good = "command: [redis-server, /etc/redis/redis.conf, --requirepass, $(PASSWORD), "
                      "--masterauth, $(PASSWORD)]\n"}},
};

}  // namespace kredis::policy
