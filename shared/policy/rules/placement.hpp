// SPDX-License-Identifier: Apache-2.0
//
// Rules on where pods go.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_anti_affinity(const Subject& subject, Report& report);
void patch_anti_affinity(const Subject& subject, Patch& patch);
void check_anti_affinity_selects(const Subject& subject, Report& report);
void check_anti_affinity_topology(const Subject& subject, Report& report);
void check_zone_spread(const Subject& subject, Report& report);
void patch_zone_spread(const Subject& subject, Patch& patch);
void check_spread_selects(const Subject& subject, Report& report);

inline constexpr std::array k_placement_rules{
    Rule{
        .id = "RC001",
        .title = "Pods keep apart from each other",
        .kinds = k_workload,
        .severity = RuleSeverity::warning,
        .check = &check_anti_affinity,
        .patch = &patch_anti_affinity,
        .documentation =
            {.why = "Without anti-affinity the scheduler may put a master and its replica, or most "
                    "masters, on one node; that node then takes slots or the majority with it.",
             .place = Place::pod,
             .bad = "affinity: null\n",
             .good = "affinity:\n"
                     "  podAntiAffinity:\n"
                     "    preferredDuringSchedulingIgnoredDuringExecution:\n"
                     "    - weight: 1\n"
                     "      podAffinityTerm:\n"
                     "        topologyKey: kubernetes.io/hostname\n"
                     "        labelSelector: {matchLabels: {appCluster: redis-cluster}}\n"}},
    Rule{
        .id = "RC002",
        .title = "Anti-affinity selects the cluster's own pods",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_anti_affinity_selects,
        .documentation =
            {.why = "A term whose selector matches none of the cluster's pods keeps nothing apart, "
                    "and looks as if it did.",
             .place = Place::pod,
             .bad = "affinity:\n"
                    "  podAntiAffinity:\n"
                    "    preferredDuringSchedulingIgnoredDuringExecution:\n"
                    "    - weight: 100\n"
                    "      podAffinityTerm:\n"
                    "        topologyKey: kubernetes.io/hostname\n"
                    "        labelSelector: {matchLabels: {app: redis-cluster}}\n",
             .good = "affinity:\n"
                     "  podAntiAffinity:\n"
                     "    preferredDuringSchedulingIgnoredDuringExecution:\n"
                     "    - weight: 100\n"
                     "      podAffinityTerm:\n"
                     "        topologyKey: kubernetes.io/hostname\n"
                     "        labelSelector:\n"
                     "          matchExpressions:\n"
                     "          - {key: app, operator: In, values: [redis]}\n"}},
    Rule{.id = "RC003",
         .title = "Anti-affinity is by node",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_anti_affinity_topology,
         .documentation =
             {.why = "Pods in different zones are on different nodes, but pods in one zone may all "
                     "be on the same node. Only kubernetes.io/hostname keeps them off one node.",
              .place = Place::pod,
              .bad = "affinity:\n"
                     "  podAntiAffinity:\n"
                     "    preferredDuringSchedulingIgnoredDuringExecution:\n"
                     "    - weight: 100\n"
                     "      podAffinityTerm:\n"
                     "        topologyKey: topology.kubernetes.io/zone\n"
                     "        labelSelector: {matchLabels: {app: redis}}\n",
              .good = "affinity:\n"
                      "  podAntiAffinity:\n"
                      "    preferredDuringSchedulingIgnoredDuringExecution:\n"
                      "    - weight: 100\n"
                      "      podAffinityTerm:\n"
                      "        topologyKey: kubernetes.io/hostname\n"
                      "        labelSelector: {matchLabels: {app: redis}}\n"}},
    Rule{
        .id = "RC004",
        .title = "Pods are spread over zones",
        .kinds = k_workload,
        .severity = RuleSeverity::advice,
        .check = &check_zone_spread,
        .patch = &patch_zone_spread,
        .documentation =
            {.why = "With an even spread a zone that fails takes a third of the nodes, not most of "
                    "them. The spread is a wish (ScheduleAnyway), so it never keeps a pod from "
                    "starting. What `create` makes has it where --zone-spread asked for it.",
             .place = Place::pod,
             .bad = "topologySpreadConstraints: null\n",
             .good = "topologySpreadConstraints:\n"
                     "- maxSkew: 1\n"
                     "  topologyKey: topology.kubernetes.io/zone\n"
                     "  whenUnsatisfiable: ScheduleAnyway\n"
                     "  labelSelector: {matchLabels: {app: redis}}\n"}},
    Rule{.id = "RC005",
         .title = "A spread selects the cluster's own pods",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_spread_selects,
         .documentation =
             {.why = "A spread constraint whose selector matches none of the cluster's pods counts "
                     "none, and spreads nothing.",
              .place = Place::pod,
              .bad = "topologySpreadConstraints:\n"
                     "- maxSkew: 1\n"
                     "  topologyKey: topology.kubernetes.io/zone\n"
                     "  whenUnsatisfiable: ScheduleAnyway\n"
                     "  labelSelector: {matchLabels: {app: cache}}\n",
              .good = "topologySpreadConstraints:\n"
                      "- maxSkew: 1\n"
                      "  topologyKey: topology.kubernetes.io/zone\n"
                      "  whenUnsatisfiable: ScheduleAnyway\n"
                      "  labelSelector: {matchLabels: {app: redis}}\n"}},
};

}  // namespace kredis::policy
