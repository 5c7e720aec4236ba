// SPDX-License-Identifier: Apache-2.0
//
// Rules on how a container starts its server: configuration, command, address, ports.
#pragma once

#include <array>

#include "shared/policy/rule.hpp"

namespace kredis::policy {

void check_config_mounted(const Subject& subject, Report& report);
void patch_config_mounted(const Subject& subject, Patch& patch);
void check_command(const Subject& subject, Report& report);
void patch_command(const Subject& subject, Patch& patch);
void check_protected_mode(const Subject& subject, Report& report);
void patch_protected_mode(const Subject& subject, Patch& patch);
void check_announce(const Subject& subject, Report& report);
void patch_announce(const Subject& subject, Patch& patch);
void check_client_port(const Subject& subject, Report& report);
void patch_client_port(const Subject& subject, Patch& patch);
void check_bus_port(const Subject& subject, Report& report);
void patch_bus_port(const Subject& subject, Patch& patch);
void check_named_ports(const Subject& subject, Report& report);
void check_host_network(const Subject& subject, Report& report);

inline constexpr std::array k_launching_rules{
    Rule{
        .id = "RC017",
        .title = "The configuration is mounted",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_config_mounted,
        .patch = &patch_config_mounted,
        .documentation = {.why = "The server reads a file that the official images do not have. "
                                 "Without the mount it does not start.",
                          .place = Place::container,
                          .bad = "volumeMounts: [{name: redis-data, mountPath: /var/lib/redis}]\n",
                          .good = "volumeMounts:\n- {name: redis-data, mountPath: /var/lib/redis}\n"
                                  "- {name: redis-conf, mountPath: /etc/redis}\n"}},
    Rule{.id = "RC018",
         .title = "The server is started with a configuration",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_command,
         .patch = &patch_command,
         .documentation = {.why =
                               "An image's own command starts a server on its own: not in cluster "
                               "mode, and without a file on the volume.",
                           .place = Place::container,
                           .bad = "command: [redis-server]\n",
                           .good = "command: [redis-server, /etc/redis/redis.conf]\n"}},
    Rule{
        .id = "RC019",
        .title = "Nodes may talk to each other",
        .kinds = k_workload,
        .severity = RuleSeverity::error,
        .check = &check_protected_mode,
        .patch = &patch_protected_mode,
        .when_blind = WhenBlind::passes,
        .documentation =
            {.why = "Without a password, protected-mode (on by default) answers only connections "
                    "from the pod itself: the cluster can never form.",
             .place = Place::container,
             .bad = "command: [redis-server, /etc/redis/redis.conf, --protected-mode, \"yes\"]\n",
             .good = "command: [redis-server, /etc/redis/redis.conf, --protected-mode, \"no\"]\n"}},
    Rule{
        .id = "RC020",
        .title = "A pod announces its own address",
        .kinds = k_workload,
        .severity = RuleSeverity::warning,
        .check = &check_announce,
        .patch = &patch_announce,
        .when_blind = WhenBlind::sees_less,
        .documentation = {.why = "nodes.conf keeps the address of the pod's last life. A node that "
                                 "does not announce its address of today may be sought at one that "
                                 "is nobody's, or somebody else's.",
                          .place = Place::container,
                          .bad = "command: [redis-server, /etc/redis/redis.conf]\n",
                          .good = "command: [redis-server, /etc/redis/redis.conf, "
                                  "--cluster-announce-ip, $(POD_IP)]\n"}},
    Rule{.id = "RC021",
         .title = "The container declares the client port",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_client_port,
         .patch = &patch_client_port,
         .documentation = {.why = "The declared ports are what Services by name, network policies "
                                  "and people go by.",
                           .place = Place::container,
                           .bad = "ports: [{name: cluster, containerPort: 16379}]\n",
                           .good = "ports: [{name: redis, containerPort: 6379}]\n"}},
    Rule{.id = "RC022",
         .title = "The container declares the bus port",
         .kinds = k_workload,
         .severity = RuleSeverity::warning,
         .check = &check_bus_port,
         .patch = &patch_bus_port,
         .documentation = {.why = "Nodes talk on the bus port, 10000 above the client port unless "
                                  "cluster-port says otherwise. Where it is forgotten, a network "
                                  "policy closes it and the nodes wait for each other for ever.",
                           .place = Place::container,
                           .bad = "ports: [{name: redis, containerPort: 6379}]\n",
                           .good = "ports:\n- {name: redis, containerPort: 6379}\n"
                                   "- {name: cluster, containerPort: 16379}\n"}},
    Rule{.id = "RC023",
         .title = "Ports have the numbers that the server uses",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_named_ports,
         .when_blind = WhenBlind::sees_less,
         .documentation = {.why = "A port named redis, cluster or bus with another number than the "
                                  "configuration's leads Services and probes to nobody.",
                           .place = Place::container,
                           .bad = "ports:\n- {name: redis, containerPort: 6379}\n"
                                  "- {name: cluster, containerPort: 16378}\n",
                           .good = "ports:\n- {name: redis, containerPort: 6379}\n"
                                   "- {name: cluster, containerPort: 16379}\n"}},
    Rule{.id = "RC024",
         .title = "Pods on the node's network never share a node",
         .kinds = k_workload,
         .severity = RuleSeverity::error,
         .check = &check_host_network,
         .documentation = {.why = "With hostNetwork two pods on one node fight for the same ports, "
                                  "and a wish (preferred) does not keep them apart.",
                           .place = Place::pod,
                           .bad = "hostNetwork: true\n",
                           .good = "hostNetwork: true\n"
                                   "affinity:\n"
                                   "  podAntiAffinity:\n"
                                   "    requiredDuringSchedulingIgnoredDuringExecution:\n"
                                   "    - topologyKey: kubernetes.io/hostname\n"
                                   "      labelSelector: {matchLabels: {app: redis}}\n"}},
};

}  // namespace kredis::policy
