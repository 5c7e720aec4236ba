// SPDX-License-Identifier: Apache-2.0
//
// Rules on how nodes find each other again.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_meeting_again(const Subject& subject, Report& report);
void patch_meeting_again(const Subject& subject, Patch& patch);

/// Whether a name leads to the pods of the workload's Service, ready or not.
bool has_names_before_ready(const Subject& subject);

inline constexpr std::array k_meeting_rules{
    Rule{.id = "RC078",
         .title = "Nodes that were all lost find each other again",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_meeting_again,
         .patch = &patch_meeting_again,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why =
                  "Redis remembers its peers by address, and pods get new ones. When all pods are "
                  "gone at once, every address is wrong, and the cluster stays down for ever "
                  "unless something introduces the nodes that know each other.",
              .place = Place::container,
              .bad = "command: [redis-server, /etc/redis/redis.conf]\n",
              .good =
                  "lifecycle: {postStart: {exec: {command: [sh, -c, \"(while sleep 5; do for a in "
                  "$(getent hosts redis-nodes); do redis-cli CLUSTER MEET $a 6379; done; done) "
                  ">/dev/null 2>&1 &\"]}}}\n"}},
};

}  // namespace kredis::policy
