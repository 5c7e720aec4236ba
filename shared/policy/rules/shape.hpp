// SPDX-License-Identifier: Apache-2.0
//
// Rules on how many nodes there are, and on the workload around them.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_node_count(const Subject& subject, Report& report);
void check_three_nodes(const Subject& subject, Report& report);
void check_replicas_for_all(const Subject& subject, Report& report);
void check_master_count(const Subject& subject, Report& report);
void check_odd_masters(const Subject& subject, Report& report);
void check_parallel(const Subject& subject, Report& report);
void check_governing_service(const Subject& subject, Report& report);
void check_retention(const Subject& subject, Report& report);
void check_labels(const Subject& subject, Report& report);
void patch_labels(const Subject& subject, Patch& patch);
void check_one_pod(const Subject& subject, Report& report);
void check_recreate(const Subject& subject, Report& report);

inline constexpr std::array k_shape_rules{
    Rule{
        .id = "RC006",
        .title = "The number of pods fits masters and replicas",
        .kinds = k_stateful_set,
        .severity = RuleSeverity::error,
        .check = &check_node_count,
        .documentation = {.why = "Where annotations say the shape, spec.replicas must be masters * "
                                 "(1 + replicas). One pod less leaves a master without a replica; "
                                 "nobody notices until that master fails. 0 stops the cluster.",
                          .bad = "spec: {replicas: 5}\n",
                          .good = "spec: {replicas: 6}\n"}},
    Rule{.id = "RC007",
         .title = "There are at least three nodes",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::error,
         .check = &check_three_nodes,
         .documentation = {.why = "Failures are voted on by the majority of masters. Two masters "
                                  "have none once one is gone, and Redis makes no cluster of less "
                                  "than three.",
                           .bad = "metadata: {annotations: null}\nspec: {replicas: 2}\n",
                           .good = "metadata: {annotations: null}\nspec: {replicas: 3}\n"}},
    Rule{.id = "RC008",
         .title = "Every master has a replica",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::warning,
         .check = &check_replicas_for_all,
         .documentation =
             {.why = "With three to five nodes some master has no replica, and its slots are gone "
                     "with it. Where that is meant, the annotation kubectl-redis.dev/replicas: "
                     "\"0\" says so.",
              .bad = "metadata: {annotations: null}\nspec: {replicas: 5}\n",
              .good = "metadata: {annotations: null}\nspec: {replicas: 6}\n"}},
    Rule{.id = "RC009",
         .title = "The annotation asks for three masters or more",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_master_count,
         .documentation =
             {.why = "The annotation is the shape that scale and doctor work towards. What is no "
                     "number, or less than three, is no cluster.",
              .bad = "metadata: {annotations: {kubectl-redis.dev/masters: \"2\"}}\n",
              .good = "metadata: {annotations: {kubectl-redis.dev/masters: \"3\"}}\n"}},
    Rule{.id = "RC010",
         .title = "The number of masters is odd",
         .kinds = k_workload,
         .severity = RuleSeverity::advice,
         .check = &check_odd_masters,
         .documentation =
             {.why =
                  "Four masters survive the loss of one, as three do: the fourth adds a node that "
                  "can fail and no vote that counts.",
              .bad = "metadata: {annotations: {kubectl-redis.dev/masters: \"4\"}}\n",
              .good = "metadata: {annotations: {kubectl-redis.dev/masters: \"5\"}}\n"}},
    Rule{
        .id = "RC011",
        .title = "Pods start side by side",
        .kinds = k_stateful_set,
        .severity = RuleSeverity::advice,
        .check = &check_parallel,
        .documentation = {.why = "OrderedReady starts a pod when the one before it is ready: after "
                                 "a power cut the cluster comes back one node at a time, and a pod "
                                 "that cannot become ready stops all after it.",
                          .bad = "spec: {podManagementPolicy: OrderedReady}\n",
                          .good = "spec: {podManagementPolicy: Parallel}\n"}},
    Rule{.id = "RC012",
         .title = "The governing Service is there and headless",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::warning,
         .check = &check_governing_service,
         .when_blind = WhenBlind::passes,
         .documentation = {.why =
                               "spec.serviceName gives pods their names. Without that Service, or "
                               "with one that has an address of its own, nodes cannot find each "
                               "other by name.",
                           .bad = "spec: {serviceName: redis}\n",
                           .good = "spec: {serviceName: redis-service}\n"}},
    Rule{
        .id = "RC013",
        .title = "Claims outlive a scaling in",
        .kinds = k_stateful_set,
        .severity = RuleSeverity::warning,
        .check = &check_retention,
        .documentation =
            {.why = "With the policy Delete one mistyped number, or a deleted StatefulSet, deletes "
                    "the claims too, and the data with them.",
             .bad = "spec: {persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}\n",
             .good = "spec: {persistentVolumeClaimRetentionPolicy: {whenScaled: Retain}}\n"}},
    Rule{.id = "RC014",
         .title = "The workload carries the cluster's label",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_labels,
         .patch = &patch_labels,
         .documentation = {.why = "A label on the workload itself is how status -A, the webhook's "
                                  "selectors and people find it.",
                           .bad = "metadata: {labels: null}\n",
                           .good = "metadata: {labels: {kubectl-redis.dev/cluster: redis}}\n"}},
    Rule{.id = "RC015",
         .title = "A Deployment runs one node",
         .kinds = k_deployment,
         .severity = RuleSeverity::error,
         .check = &check_one_pod,
         .documentation = {.why = "The pods of one Deployment share its claim and its announced "
                                  "address. Two nodes with one identity corrupt each other's "
                                  "nodes.conf.",
                           .place = Place::deployment,
                           .bad = "spec: {replicas: 2}\n",
                           .good = "spec: {replicas: 1}\n"}},
    Rule{
        .id = "RC016",
        .title = "A Deployment ends its pod before it starts the next",
        .kinds = k_deployment,
        .severity = RuleSeverity::error,
        .check = &check_recreate,
        .documentation = {.why = "RollingUpdate starts the new pod beside the old one, on the same "
                                 "volume and with the same identity.",
                          .place = Place::deployment,
                          .bad = "spec: {strategy: {type: RollingUpdate}}\n",
                          .good = "spec: {strategy: {type: Recreate}}\n"}},
};

}  // namespace kredis::policy
