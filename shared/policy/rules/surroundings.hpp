// SPDX-License-Identifier: Apache-2.0
//
// Rules on images and rights of the container, and on the Services and budgets around the workload.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_image_version(const Subject& subject, Report& report);
void check_image_supported(const Subject& subject, Report& report);
void check_security(const Subject& subject, Report& report);
void patch_security(const Subject& subject, Patch& patch);
void check_not_privileged(const Subject& subject, Report& report);
void check_not_root(const Subject& subject, Report& report);
void check_headless(const Subject& subject, Report& report);
void check_service_selects(const Subject& subject, Report& report);
void check_service_ports(const Subject& subject, Report& report);
void check_not_ready_addresses(const Subject& subject, Report& report);
void patch_not_ready_addresses(const Subject& subject, Patch& patch);
void check_from_outside(const Subject& subject, Report& report);
void check_has_budget(const Subject& subject, Report& report);
void check_budget_lets_go(const Subject& subject, Report& report);
void check_budget_holds(const Subject& subject, Report& report);

inline constexpr std::array k_surroundings_rules{
    Rule{
        .id = "RC063",
        .title = "The image names a version",
        .kinds = k_workload,
        .severity = RuleSeverity::warning,
        .check = &check_image_version,
        .documentation = {.why = "Without a tag, or with latest, a pod that is rescheduled may run "
                                 "another version than its peers, whose files it then cannot read.",
                          .place = Place::container,
                          .bad = "image: registry:5000/redis\n",
                          .good = "image: registry:5000/redis:8.0\n"}},
    Rule{.id = "RC064",
         .title = "The version is one that is supported",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_image_supported,
         .documentation = {.why = "Before Redis 6.2 and Valkey 7.2 clusters have faults that are "
                                  "mended since, and lack what hand-over and names need.",
                           .place = Place::container,
                           .bad = "image: redis:6.0\n",
                           .good = "image: redis:6.2\n"}},
    Rule{.id = "RC065",
         .title = "The container has no rights that it does not need",
         .kinds = k_workload,
         .severity = RuleSeverity::advice,
         .check = &check_security,
         .patch = &patch_security,
         .documentation =
             {.why = "Redis needs no root, no capability and no way to more rights. The restricted "
                     "pod security standard asks for the same. What exists and runs as root is not "
                     "patched: its files belong to root.",
              .place = Place::container,
              .bad = "securityContext: null\n",
              .good = "securityContext: {allowPrivilegeEscalation: false}\n"}},
    Rule{.id = "RC066",
         .title = "The container is not privileged",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_not_privileged,
         .documentation = {.why = "A privileged container is root on its node. Charts used to need "
                                  "it for kernel settings; an init container does for those.",
                           .place = Place::container,
                           .bad = "securityContext: {privileged: true}\n",
                           .good = "securityContext: {privileged: false}\n"}},
    Rule{.id = "RC067",
         .title = "The server does not run as root",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_not_root,
         .documentation = {.why = "A fault in Redis or a module is then a root shell in the pod.",
                           .place = Place::container,
                           .bad = "securityContext: {runAsUser: 0}\n",
                           .good = "securityContext: {runAsUser: 999}\n"}},
    Rule{.id = "RC068",
         .title = "The Service that names pods is headless",
         .kinds = k_service,
         .severity = RuleSeverity::error,
         .check = &check_headless,
         .when_blind = WhenBlind::passes,
         .documentation = {.why =
                               "A Service with an address of its own gives pods no names, and its "
                               "address leads to any of them.",
                           .place = Place::service,
                           .bad = "spec: {clusterIP: null}\n",
                           .good = "spec: {clusterIP: None}\n"}},
    Rule{
        .id = "RC069",
        .title = "The Service selects the cluster's pods",
        .kinds = k_service,
        .severity = RuleSeverity::error,
        .check = &check_service_selects,
        .when_blind = WhenBlind::passes,
        .documentation = {.why = "A selector that matches no pod of the workload has no endpoints: "
                                 "no names, and no peers after a cold start.",
                          .place = Place::service,
                          .bad = "spec: {selector: {app: redis-app}}\n",
                          .good = "spec: {selector: {app: redis}}\n"}},
    Rule{
        .id = "RC070",
        .title = "The Service's ports lead to the container's",
        .kinds = k_service,
        .severity = RuleSeverity::error,
        .check = &check_service_ports,
        .when_blind = WhenBlind::passes,
        .documentation = {.why = "A targetPort that the container does not listen on refuses every "
                                 "connection.",
                          .place = Place::service,
                          .bad = "spec: {ports: [{name: redis, port: 6379, targetPort: 6380}]}\n",
                          .good =
                              "spec: {ports: [{name: redis, port: 6379, targetPort: redis}]}\n"}},
    Rule{
        .id = "RC071",
        .title = "Pods have names before they are ready",
        .kinds = k_service,
        .severity = RuleSeverity::warning,
        .check = &check_not_ready_addresses,
        .patch = &patch_not_ready_addresses,
        .when_blind = WhenBlind::passes,
        .documentation =
            {.why = "After a cold start nobody is ready until the nodes have found each other, and "
                    "they find each other by name.",
             .place = Place::service,
             .bad = "spec: {publishNotReadyAddresses: false}\n",
             .good = "spec: {publishNotReadyAddresses: true}\n"}},
    Rule{
        .id = "RC072",
        .title = "Clients outside can follow the nodes' answers",
        .kinds = k_service,
        .severity = RuleSeverity::advice,
        .check = &check_from_outside,
        .documentation =
            {.why = "A cluster answers MOVED with a pod's address or name. A client outside, which "
                    "comes in by a load balancer or a node port, cannot go there.",
             .place = Place::service,
             .bad = "spec: {type: NodePort, clusterIP: null}\n",
             .good = "spec: {type: ClusterIP}\n"}},
    Rule{.id = "RC073",
         .title = "A budget limits drains",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::advice,
         .check = &check_has_budget,
         .when_blind = WhenBlind::passes,
         .documentation = {.why = "Without a PodDisruptionBudget two drains at once may take a "
                                  "master and its replica.",
                           .place = Place::budget,
                           .bad = "spec: {selector: {matchLabels: {app: other}}}\n",
                           .good = "spec: {selector: {matchLabels: {app: redis}}}\n"}},
    Rule{.id = "RC074",
         .title = "The budget lets a drain go on",
         .kinds = k_budget,
         .severity = RuleSeverity::warning,
         .check = &check_budget_lets_go,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "With no pod to spare every drain waits for ever, and is forced in the end.",
              .place = Place::budget,
              .bad = "spec: {maxUnavailable: 0}\n",
              .good = "spec: {maxUnavailable: 1}\n"}},
    Rule{.id = "RC075",
         .title = "The budget keeps all but one pod",
         .kinds = k_budget,
         .severity = RuleSeverity::warning,
         .check = &check_budget_holds,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "Two pods at once may be a master and its replica: their slots are gone while "
                     "both are away.",
              .place = Place::budget,
              .bad = "spec: {maxUnavailable: 2}\n",
              .good = "spec: {maxUnavailable: 1}\n"}},
};

}  // namespace kredis::policy
