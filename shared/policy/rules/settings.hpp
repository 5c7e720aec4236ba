// SPDX-License-Identifier: Apache-2.0
//
// Rules on what redis.conf and the server's arguments say.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_cluster_enabled(const Subject& subject, Report& report);
void check_foreground(const Subject& subject, Report& report);
void check_bind(const Subject& subject, Report& report);
void check_append_only(const Subject& subject, Report& report);
void check_readable(const Subject& subject, Report& report);
void check_known_keys(const Subject& subject, Report& report);
void check_no_replica_of(const Subject& subject, Report& report);
void check_no_password(const Subject& subject, Report& report);
void check_commands_kept(const Subject& subject, Report& report);
void check_no_fixed_address(const Subject& subject, Report& report);
void check_some_port(const Subject& subject, Report& report);
void check_tls_inside(const Subject& subject, Report& report);
void check_node_timeout(const Subject& subject, Report& report);
void check_timeout_and_grace(const Subject& subject, Report& report);
void check_maxmemory_limit(const Subject& subject, Report& report);
void check_fork_headroom(const Subject& subject, Report& report);
void check_limit_has_maxmemory(const Subject& subject, Report& report);
void check_log_to_stdout(const Subject& subject, Report& report);

inline constexpr Kinds k_settings = k_config_map | k_workload;

inline constexpr std::array k_settings_rules{
    Rule{
        .id = "RC034",
        .title = "The cluster mode is on",
        .kinds = k_settings,
        .severity = RuleSeverity::error,
        .check = &check_cluster_enabled,
        .when_blind = WhenBlind::sees_less,
        .documentation = {.why = "Without cluster-enabled yes each pod is a server on its own, and "
                                 "init finds nothing to join.",
                          .place = Place::config,
                          .bad = "cluster-enabled no\n",
                          .good = "cluster-enabled yes\n"}},
    Rule{.id = "RC035",
         .title = "The server stays in the foreground",
         .kinds = k_settings,
         .severity = RuleSeverity::error,
         .check = &check_foreground,
         .documentation = {.why = "A daemon leaves its container without a process: Kubernetes "
                                  "restarts it, for ever.",
                           .place = Place::config,
                           .bad = "daemonize yes\n",
                           .good = "daemonize no\n"}},
    Rule{.id = "RC036",
         .title = "The server listens on the pod's address",
         .kinds = k_settings,
         .severity = RuleSeverity::error,
         .check = &check_bind,
         .documentation = {.why = "Bound to the loopback address nobody reaches it but itself: no "
                                  "peer, no client, no probe from outside.",
                           .place = Place::config,
                           .bad = "bind 127.0.0.1 -::1\n",
                           .good = "bind 127.0.0.1 0.0.0.0\n"}},
    Rule{.id = "RC037",
         .title = "Writes go to a log",
         .kinds = k_settings,
         .severity = RuleSeverity::warning,
         .check = &check_append_only,
         .documentation = {.why =
                               "Snapshots alone lose what was written since the last one, minutes "
                               "as a rule. With the append-only file it is a second.",
                           .place = Place::config,
                           .bad = "appendonly no\n",
                           .good = "appendonly yes\n"}},
    Rule{.id = "RC038",
         .title = "redis.conf can be read",
         .kinds = k_config_map,
         .severity = RuleSeverity::error,
         .check = &check_readable,
         .documentation = {.why = "Redis ends at a line that it cannot read.",
                           .place = Place::config,
                           .bad = "maxmemory-policy \"allkeys-lru\n",
                           .good = "maxmemory-policy \"allkeys-lru\"\n"}},
    Rule{.id = "RC039",
         .title = "Redis knows every key",
         .kinds = k_settings,
         .severity = RuleSeverity::error,
         .check = &check_known_keys,
         .documentation = {.why = "Redis ends at a key that it does not know: one letter too many "
                                  "and no pod starts.",
                           .place = Place::config,
                           .bad = "maxmemroy-policy allkeys-lru\n",
                           .good = "maxmemory-policy allkeys-lru\n"}},
    Rule{.id = "RC040",
         .title = "The cluster decides who replicates whom",
         .kinds = k_settings,
         .severity = RuleSeverity::error,
         .check = &check_no_replica_of,
         .documentation = {.why = "replicaof is not allowed in cluster mode: Redis ends at it.",
                           .place = Place::config,
                           .bad = "replicaof 10.0.0.1 6379\n",
                           .good = "replica-priority 100\n"}},
    Rule{.id = "RC041",
         .title = "No password lies in the open",
         .kinds = k_settings,
         .severity = RuleSeverity::warning,
         .check = &check_no_password,
         .documentation = {.why = "ConfigMaps and command lines are read by whoever may read the "
                                  "workload. A password belongs into a Secret.",
                           .place = Place::config,
                           .bad = "requirepass s3cret\n",
                           .good = "# requirepass comes from a Secret\n"}},
    Rule{.id = "RC042",
         .title = "Commands that the cluster needs keep their names",
         .kinds = k_settings,
         .severity = RuleSeverity::error,
         .check = &check_commands_kept,
         .documentation = {.why =
                               "Replication, probes and this tool call PING, INFO, CONFIG, CLUSTER "
                               "and a few others by name. Forbid them to users by an ACL instead.",
                           .place = Place::config,
                           .bad = "rename-command CONFIG \"\"\n",
                           .good = "rename-command FLUSHALL \"\"\n"}},
    Rule{.id = "RC043",
         .title = "No address is written down for all pods",
         .kinds = k_config_map,
         .severity = RuleSeverity::error,
         .check = &check_no_fixed_address,
         .documentation = {.why = "Every pod reads the same file. With one announced address all "
                                  "nodes claim to be at the same place.",
                           .place = Place::config,
                           .bad = "cluster-announce-ip 10.0.0.7\n",
                           .good = "cluster-announce-port 6379\n"}},
    Rule{
        .id = "RC044",
        .title = "Some port is open",
        .kinds = k_config_map,
        .severity = RuleSeverity::error,
        .check = &check_some_port,
        .documentation = {.why =
                              "port 0 closes the plain port. Without tls-port nobody can connect.",
                          .place = Place::config,
                          .bad = "port 0\n",
                          .good = "port 0\ntls-port 6379\ntls-cluster yes\ntls-replication yes\n"}},
    Rule{.id = "RC045",
         .title = "Where only TLS is open, nodes use it too",
         .kinds = k_config_map,
         .severity = RuleSeverity::error,
         .check = &check_tls_inside,
         .documentation =
             {.why =
                  "With the plain port closed, replicas copy over TLS (tls-replication) or not at "
                  "all, and the bus should not be the one part that is not encrypted.",
              .place = Place::config,
              .bad = "port 0\ntls-port 6379\ntls-cluster yes\n",
              .good = "port 0\ntls-port 6379\ntls-cluster yes\ntls-replication yes\n"}},
    Rule{.id = "RC046",
         .title = "The node timeout is neither hasty nor endless",
         .kinds = k_settings,
         .severity = RuleSeverity::warning,
         .check = &check_node_timeout,
         .documentation =
             {.why = "Under a second, a busy moment is a failover. Over a minute, the slots of a "
                     "dead master are down for longer than people wait.",
              .place = Place::config,
              .bad = "cluster-node-timeout 999\n",
              .good = "cluster-node-timeout 1000\n"}},
    Rule{
        .id = "RC047",
        .title = "The grace period is longer than a failover",
        .kinds = k_workload,
        .severity = RuleSeverity::warning,
        .check = &check_timeout_and_grace,
        .when_blind = WhenBlind::sees_less,
        .documentation =
            {.why = "A hand-over waits for the replica and takes up to twice the node timeout when "
                    "it has to be tried again. A pod that is killed before is a failure instead.",
             .place = Place::config,
             .bad = "cluster-node-timeout 30001\n",
             .good = "cluster-node-timeout 30000\n"}},
    Rule{.id = "RC048",
         .title = "maxmemory is below the memory limit",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_maxmemory_limit,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "Redis never gets to evict or to refuse: the kernel kills it first, with all "
                     "clients connected.",
              .place = Place::container,
              .bad = "command: [redis-server, /etc/redis/redis.conf, --maxmemory, 100mb]\n"
                     "resources: {limits: {memory: 100Mi}}\n",
              .good = "command: [redis-server, /etc/redis/redis.conf, --maxmemory, 99mb]\n"
                      "resources: {limits: {memory: 100Mi}}\n"}},
    Rule{.id = "RC049",
         .title = "A fork has room under the limit",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_fork_headroom,
         .when_blind = WhenBlind::sees_less,
         .documentation =
             {.why = "A rewrite or a full synchronisation forks; pages written meanwhile exist "
                     "twice. With more than three quarters of the limit for data, the copy does "
                     "not fit.",
              .place = Place::container,
              .bad = "command: [redis-server, /etc/redis/redis.conf, --maxmemory, 76mb]\n"
                     "resources: {limits: {memory: 100Mi}}\n",
              .good = "command: [redis-server, /etc/redis/redis.conf, --maxmemory, 75mb]\n"
                      "resources: {limits: {memory: 100Mi}}\n"}},
    Rule{.id = "RC050",
         .title = "A memory limit comes with maxmemory",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_limit_has_maxmemory,
         .when_blind = WhenBlind::passes,
         .documentation =
             {.why = "Without maxmemory Redis grows until the kernel kills it, in the middle of a "
                     "write.",
              .place = Place::container,
              .bad = "resources: {limits: {memory: 100Mi}}\n",
              .good = "command: [redis-server, /etc/redis/redis.conf, --maxmemory, 60mb]\n"
                      "resources: {limits: {memory: 100Mi}}\n"}},
    Rule{.id = "RC051",
         .title = "The log goes to the container's output",
         .kinds = k_settings,
         .severity = RuleSeverity::advice,
         .check = &check_log_to_stdout,
         .documentation = {.why = "kubectl logs shows what a process prints. A log file in the "
                                  "container is found by nobody and fills the volume.",
                           .place = Place::config,
                           .bad = "logfile /var/lib/redis/redis.log\n",
                           .good = "logfile \"\"\n"}},
};

}  // namespace kredis::policy
