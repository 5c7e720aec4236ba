// SPDX-License-Identifier: Apache-2.0
//
// What the checks behind find_trouble share: the cluster as they see it, and how they word a fix.
// Internal to the core; finding.cpp runs them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/survival.hpp"
#include "shared/core/text.hpp"

namespace kredis::core {

/// Everything that a check reads, worked out once.
struct Examined {
  const ClusterView& view;
  const Topology* agreed = nullptr;  ///< Null when nobody answered.
  std::vector<ShardView> shards = {};
  std::map<NodeId, const Member*> answering = {};  ///< Who said that it is that node.
  Survival survival = {};
  bool one_node = false;  ///< Every pod runs on the same Kubernetes node.

  /// "kubectl redis init redis -n default".
  std::string redis_command(const std::string& verb) const;
  /// "kubectl delete pod redis-app-0 -n default".
  std::string kubectl(const std::string& command) const;
  /// "kubectl redis cli redis --pod redis-app-0 -n default -- PING", which logs in by itself.
  std::string redis_cli(const std::string& pod, const std::string& command) const;
  /// The same on every pod: "kubectl redis cli redis --all -n default -- PING".
  std::string redis_cli_on_all(const std::string& command) const;
  /// The workload as kubectl takes it: "statefulset/redis-app".
  std::string workload() const;
  /// "pod redis-app-0", or "node a1b2c3d4" where no pod is that node.
  std::string name_of(const Node& node) const;
};

Examined examine(const ClusterView& view);

using Findings = std::vector<Finding>;

Remedy mends(std::string command, std::string advice = {});
Remedy shows(std::string command, std::string advice = {});
Remedy by_hand(std::string advice);

/// Adds one, of its kind's usual severity where none is given.
void add(Findings& found,
         std::string_view id,
         std::string message,
         Remedy remedy,
         std::optional<Severity> severity = {});

/// Whether a replica follows nobody, another replica, or a master that is gone and had nothing.
bool is_astray(const Topology& agreed, const Node& self);

/// Of two pods that are the same node, the one that came later and holds no more; null when that
/// cannot be told.
const Member* later_twin(const Member& one, const Member& other);

// finding_slots.cpp: who serves what, and whether the nodes agree.
void check_initialised(const Examined& cluster, Findings& found);
void check_coverage(const Examined& cluster, Findings& found);
void check_denied_slots(const Examined& cluster, Findings& found);
void check_failed_owners(const Examined& cluster, Findings& found);
void check_open_slots(const Examined& cluster, Findings& found);
void check_stray_keys(const Examined& cluster, Findings& found);
void check_moving_slots(const Examined& cluster, Findings& found);
void check_agreement(const Examined& cluster, Findings& found);
void check_majority(const Examined& cluster, Findings& found);
void check_cluster_state(const Examined& cluster, Findings& found);
void check_master_count(const Examined& cluster, Findings& found);

// finding_pods.cpp: what Kubernetes says of each pod.
void check_kubernetes_nodes(const Examined& cluster, Findings& found);
void check_pods(const Examined& cluster, Findings& found);
void check_pod_count(const Examined& cluster, Findings& found);

// finding_members.cpp: who is a node of the cluster, and who is not.
void check_merged(const Examined& cluster, Findings& found);
void check_twins(const Examined& cluster, Findings& found);
void check_answers(const Examined& cluster, Findings& found);
void check_addresses(const Examined& cluster, Findings& found);
void check_ghosts(const Examined& cluster, Findings& found);
void check_strays(const Examined& cluster, Findings& found);

// finding_servers.cpp: how each server is set up.
void check_node_timeouts(const Examined& cluster, Findings& found);
void check_masterauth(const Examined& cluster, Findings& found);
void check_refused_writes(const Examined& cluster, Findings& found);
void check_persistence(const Examined& cluster, Findings& found);
void check_memory(const Examined& cluster, Findings& found);
void check_versions(const Examined& cluster, Findings& found);

// finding_replicas.cpp: copies, and where they run.
void check_replica_counts(const Examined& cluster, Findings& found);
void check_replica_links(const Examined& cluster, Findings& found);
void check_replica_places(const Examined& cluster, Findings& found);
void check_survival(const Examined& cluster, Findings& found);

}  // namespace kredis::core
