// SPDX-License-Identifier: Apache-2.0
//
// Rules on where the data lies.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_data_volume(const Subject& subject, Report& report);
void patch_data_volume(const Subject& subject, Patch& patch);
void check_no_empty_dir(const Subject& subject, Report& report);
void check_no_shared_claim(const Subject& subject, Report& report);
void check_no_host_path(const Subject& subject, Report& report);
void check_writable(const Subject& subject, Report& report);
void check_dir_inside(const Subject& subject, Report& report);
void check_nodes_file_inside(const Subject& subject, Report& report);
void check_access_mode(const Subject& subject, Report& report);
void check_volume_size(const Subject& subject, Report& report);

inline constexpr std::array k_storage_rules{
    Rule{.id = "RC025",
         .title = "The data has a volume",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_data_volume,
         .patch = &patch_data_volume,
         .documentation = {.why = "In the container's own file system data and identity are gone "
                                  "with the container. A node that forgets who it is stays in the "
                                  "others' tables as a ghost.",
                           .place = Place::container,
                           .bad = "volumeMounts: [{name: redis-conf, mountPath: /etc/redis}]\n",
                           .good = "volumeMounts:\n- {name: redis-conf, mountPath: /etc/redis}\n"
                                   "- {name: redis-data, mountPath: /var/lib/redis}\n"}},
    Rule{
        .id = "RC026",
        .title = "The data outlives the pod",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_no_empty_dir,
        .documentation = {.why = "An emptyDir is deleted with its pod. A drain, an eviction or an "
                                 "update of the template is then a lost node. Where that is meant, "
                                 "the annotation kubectl-redis.dev/storage: ephemeral says so.",
                          .place = Place::pod,
                          .bad = "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"
                                 "- {name: redis-data, emptyDir: {}}\n",
                          .good =
                              "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"}},
    Rule{.id = "RC027",
         .title = "Every pod has a claim of its own",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::error,
         .check = &check_no_shared_claim,
         .documentation =
             {.why =
                  "A claim named in the template is one volume for all pods: each node overwrites "
                  "the others' nodes.conf and append-only file.",
              .place = Place::pod,
              .bad = "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"
                     "- {name: redis-data, persistentVolumeClaim: {claimName: redis-data}}\n",
              .good = "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"}},
    Rule{.id = "RC028",
         .title = "The data does not lie in a folder of the node",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_no_host_path,
         .documentation =
             {.why =
                  "A hostPath belongs to a node, not to a pod: on another node the pod is another "
                  "member, and two pods on one node share the folder.",
              .place = Place::pod,
              .bad = "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"
                     "- {name: redis-data, hostPath: {path: /data}}\n",
              .good = "volumes:\n- {name: redis-conf, configMap: {name: redis-conf}}\n"}},
    Rule{.id = "RC029",
         .title = "The data volume can be written",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_writable,
         .documentation =
             {.why = "Redis ends at once when it cannot write nodes.conf.",
              .place = Place::container,
              .bad = "volumeMounts:\n- {name: redis-conf, mountPath: /etc/redis}\n"
                     "- {name: redis-data, mountPath: /var/lib/redis, readOnly: true}\n",
              .good = "volumeMounts:\n- {name: redis-conf, mountPath: /etc/redis, readOnly: true}\n"
                      "- {name: redis-data, mountPath: /var/lib/redis}\n"}},
    Rule{.id = "RC030",
         .title = "dir is on the volume",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_dir_inside,
         .when_blind = WhenBlind::passes,
         .documentation = {.why = "What Redis writes elsewhere than on the volume is gone with the "
                                  "container, although a volume is mounted.",
                           .place = Place::config,
                           .bad = "dir /data\n",
                           .good = "dir /var/lib/redis/\n"}},
    Rule{.id = "RC031",
         .title = "cluster-config-file is on the volume",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_nodes_file_inside,
         .when_blind = WhenBlind::passes,
         .documentation = {.why =
                               "nodes.conf is who the node is. Off the volume, each restart makes "
                               "a stranger and leaves a ghost.",
                           .place = Place::config,
                           .bad = "cluster-config-file /var/lib/nodes.conf\n",
                           .good = "cluster-config-file nodes.conf\n"}},
    Rule{.id = "RC032",
         .title = "Claims can be written",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::error,
         .check = &check_access_mode,
         .documentation =
             {.why = "A claim that is ReadOnlyMany mounts read-only, and Redis cannot start.",
              .bad = "spec:\n  volumeClaimTemplates:\n  - metadata: {name: redis-data}\n"
                     "    spec: {accessModes: [ReadOnlyMany]}\n",
              .good = "spec:\n  volumeClaimTemplates:\n  - metadata: {name: redis-data}\n"
                      "    spec: {accessModes: [ReadWriteOnce]}\n"}},
    Rule{.id = "RC033",
         .title = "The volume holds the data twice",
         .kinds = k_stateful_set,
         .severity = RuleSeverity::advice,
         .check = &check_volume_size,
         .when_blind = WhenBlind::passes,
         .documentation = {.why = "While the append-only file is rewritten the old and the new one "
                                  "lie side by side. A full volume stops writes.",
                           .place = Place::config,
                           .bad = "maxmemory 100000001\n",
                           .good = "maxmemory 100000000\n"}},
};

}  // namespace kredis::policy
