// SPDX-License-Identifier: Apache-2.0
//
// Rules on probes, on how a pod ends, and on what it asks for.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_readiness(const Subject& subject, Report& report);
void patch_readiness(const Subject& subject, Patch& patch);
void check_startup(const Subject& subject, Report& report);
void patch_startup(const Subject& subject, Patch& patch);
void check_liveness(const Subject& subject, Report& report);
void patch_liveness(const Subject& subject, Patch& patch);
void check_loading_lives(const Subject& subject, Report& report);
void check_startup_patience(const Subject& subject, Report& report);
void check_liveness_alone(const Subject& subject, Report& report);
void check_liveness_patience(const Subject& subject, Report& report);
void check_no_deadlock(const Subject& subject, Report& report);
void check_pre_stop(const Subject& subject, Report& report);
void patch_pre_stop(const Subject& subject, Patch& patch);
void check_grace(const Subject& subject, Report& report);
void patch_grace(const Subject& subject, Patch& patch);
void check_requests(const Subject& subject, Report& report);
void patch_requests(const Subject& subject, Patch& patch);

inline constexpr std::array k_health_rules{
    Rule{.id = "RC052",
         .title = "A node is ready only when it serves",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_readiness,
         .patch = &patch_readiness,
         .documentation = {.why =
                               "Without a readiness probe clients are sent to a node that still "
                               "loads, and a rolling update goes on before the last node is back.",
                           .place = Place::container,
                           .bad = "readinessProbe: null\n",
                           .good = "readinessProbe: {exec: {command: [redis-cli, ping]}}\n"}},
    Rule{.id = "RC053",
         .title = "A node has time to load",
         .kinds = k_workload,
         .severity = RuleSeverity::advice,
         .check = &check_startup,
         .patch = &patch_startup,
         .documentation = {.why =
                               "A startup probe holds the others back until the data set has been "
                               "read, however long that takes.",
                           .place = Place::container,
                           .bad = "startupProbe: null\n",
                           .good = "startupProbe: {failureThreshold: 86400, periodSeconds: 1, "
                                   "exec: {command: [redis-cli, ping]}}\n"}},
    Rule{.id = "RC054",
         .title = "A node that hangs is restarted",
         .kinds = k_workload,
         .severity = RuleSeverity::advice,
         .check = &check_liveness,
         .patch = &patch_liveness,
         .documentation = {.why = "A process that no longer answers stays for ever without a "
                                  "liveness probe.",
                           .place = Place::container,
                           .bad = "livenessProbe: null\n",
                           .good = "livenessProbe: {failureThreshold: 12, periodSeconds: 10, "
                                   "exec: {command: [redis-cli, ping]}}\n"}},
    Rule{
        .id = "RC055",
        .title = "No probe kills a node that loads",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_loading_lives,
        .documentation =
            {.why = "While Redis reads its data set it answers LOADING, not PONG. A liveness probe "
                    "that insists on PONG kills it, it starts to load anew, and is killed again.",
             .place = Place::container,
             .bad = "startupProbe: null\n"
                    "livenessProbe: {failureThreshold: 3, exec: {command: [sh, -c, "
                    "\"redis-cli ping | grep PONG\"]}}\n",
             .good = "startupProbe: null\n"
                     "livenessProbe: {failureThreshold: 3, exec: {command: [redis-cli, ping]}}\n"}},
    Rule{.id = "RC056",
         .title = "The startup probe waits ten minutes or more",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_startup_patience,
         .documentation =
             {.why = "Loading takes as long as the data is large. A startup probe that gives up "
                     "kills the node in the middle, and it begins anew.",
              .place = Place::container,
              .bad = "startupProbe: {periodSeconds: 1, failureThreshold: 599}\n",
              .good = "startupProbe: {periodSeconds: 1, failureThreshold: 600}\n"}},
    Rule{
        .id = "RC057",
        .title = "A node is not killed for the cluster's trouble",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_liveness_alone,
        .when_blind = WhenBlind::sees_less,
        .documentation =
            {.why = "When slots are down every node says cluster_state:fail. A liveness probe that "
                    "asks for it restarts all of them, and makes a small trouble a large one.",
             .place = Place::container,
             .bad = "livenessProbe: {exec: {command: [sh, -c, \"redis-cli cluster info | grep "
                    "cluster_state:ok\"]}}\n",
             .good = "livenessProbe: {exec: {command: [redis-cli, ping]}}\n"}},
    Rule{.id = "RC058",
         .title = "The liveness probe is patient",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_liveness_patience,
         .documentation =
             {.why = "A slow command, a fork or a full disk blocks Redis for seconds. A restart "
                     "costs minutes of loading; less than half a minute of silence is no reason.",
              .place = Place::container,
              .bad = "livenessProbe: {periodSeconds: 1, failureThreshold: 29}\n",
              .good = "livenessProbe: {periodSeconds: 1, failureThreshold: 30}\n"}},
    Rule{.id = "RC059",
         .title = "Readiness never stops a cold start",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::error,
         .check = &check_no_deadlock,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "With OrderedReady the second pod starts when the first is ready. A readiness "
                     "probe that asks for cluster_state:ok waits for pods that wait for it.",
              .bad = "spec: {podManagementPolicy: OrderedReady}\n",
              .good = "spec: {podManagementPolicy: Parallel}\n"}},
    Rule{.id = "RC060",
         .title = "A master hands over before it stops",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_pre_stop,
         .patch = &patch_pre_stop,
         .documentation =
             {.why =
                  "Without a preStop hook every restart of a master is a failover: its slots are "
                  "down for the node timeout. A hook that hands over first costs nobody anything.",
              .place = Place::container,
              .bad = "lifecycle: null\n",
              .good = "lifecycle: {preStop: {exec: {command: [sh, /etc/redis/stop.sh]}}}\n"}},
    Rule{.id = "RC061",
         .title = "The grace period is chosen",
         .kinds = k_workload,
         .severity = RuleSeverity::advice,
         .check = &check_grace,
         .patch = &patch_grace,
         .documentation = {.why = "Kubernetes' 30 seconds are for a process that just ends. Redis "
                                  "hands over, waits for its replicas and writes its files.",
                           .place = Place::pod,
                           .bad = "terminationGracePeriodSeconds: null\n",
                           .good = "terminationGracePeriodSeconds: 60\n"}},
    Rule{.id = "RC062",
         .title = "The pods ask for cpu and memory",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_requests,
         .patch = &patch_requests,
         .documentation = {.why = "Without requests the scheduler piles pods on one node, and the "
                                  "kubelet evicts them first when memory runs out.",
                           .place = Place::container,
                           .bad = "resources: null\n",
                           .good = "resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}\n"}},
};

}  // namespace kredis::policy
