// SPDX-License-Identifier: Apache-2.0
//
// Findings about copies: whether each master has one, whether it follows, and where it runs.
#include <algorithm>
#include <map>
#include <set>

#include "shared/core/findings/finding_checks.hpp"

namespace kredis::core {
namespace {

/// A replica may trail by what arrived between two looks; beyond this it is behind.
constexpr std::int64_t k_lag_limit_bytes = std::int64_t{16} << 20;

/// Calls `visit` for each replica that has a pod and whose master has one.
template <typename Visitor>
void each_pair(const Examined& cluster, const Visitor& visit) {
  for (const auto& [master, replicas] : cluster.shards) {
    for (const SeenNode& replica : replicas) {
      if (master.member != nullptr && replica.member != nullptr) {
        visit(master, replica);
      }
    }
  }
}

bool has_several_zones(const ClusterView& view) {
  std::set<std::string> zones;
  for (const Member& member : view.members) {
    if (!member.pod.domain.zone.empty()) {
      zones.insert(member.pod.domain.zone);
    }
  }
  return zones.size() > 1;
}

/// Slots that are at risk for a reason that another finding names already.
SlotSet explained_slots(const Examined& cluster) {
  SlotSet explained;
  for (const ShardView& shard : cluster.shards) {
    if (shard.replicas.empty()) {
      explained.insert(shard.master.node->slots);
    }
  }
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    if (replica.member->pod.domain.node == master.member->pod.domain.node) {
      explained.insert(master.node->slots);
    }
  });
  return explained;
}

/// How pods come to run elsewhere: none may return to `node` while they are made anew.
std::string move_away(const Examined& cluster, const std::string& pod, const std::string& node) {
  return "kubectl cordon " + node + " && " + cluster.kubectl("delete pod " + pod) +
         " && kubectl uncordon " + node;
}

/// Gives one replica of `from` to the master of `to`.
std::string reattach(const Examined& cluster, const ShardView& from, const ShardView& to) {
  const SeenNode& replica = from.replicas.back();
  const std::string pod = replica.member == nullptr ? "POD" : replica.member->pod.name;
  return cluster.redis_cli(pod, "CLUSTER REPLICATE " + to.master.node->id.to_text());
}

bool is_in_a_shard(const Examined& cluster, const Member& member) {
  return std::ranges::any_of(cluster.shards, [&](const ShardView& shard) {
    return shard.master.member == &member ||
           std::ranges::any_of(shard.replicas,
                               [&](const SeenNode& it) { return it.member == &member; });
  });
}

/// By the pod that is there and has no part in the cluster, or by one more.
std::string add_a_replica(const Examined& cluster) {
  const std::string init = cluster.redis_command("init");
  for (const Member& member : cluster.view.members) {
    if (!is_in_a_shard(cluster, member)) {
      return member.pod.running ? init : "when pod " + member.pod.name + " runs: " + init;
    }
  }
  const std::string pods = std::to_string(cluster.view.members.size() + 1);
  return cluster.kubectl("scale " + cluster.workload() + " --replicas=" + pods) + " && " + init;
}

/// The hand-over of a master on `node` to a replica whose node has room for one more; empty when
/// there is none.
std::string failover_command(const Examined& cluster,
                             const std::string& node,
                             std::size_t most_per_node) {
  std::map<std::string, std::size_t> masters;
  for (const ShardView& shard : cluster.shards) {
    if (shard.master.member != nullptr) {
      ++masters[shard.master.member->pod.domain.node];
    }
  }
  std::string command;
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    const std::string& there = replica.member->pod.domain.node;
    if (command.empty() && master.member->pod.domain.node == node && there != node &&
        masters[there] < most_per_node) {
      command = cluster.redis_command("failover") + " --pod " + replica.member->pod.name;
    }
  });
  return command;
}

void check_domain(const Examined& cluster,
                  const std::string& kind,
                  const std::string& name,
                  const Loss& loss,
                  Findings& found) {
  const bool is_node = kind == "node";
  const std::string where = (is_node ? "Kubernetes node " : "zone ") + name;
  const std::string spread =
      "spread the pods: give the workload pod anti-affinity or topology spread"
      " constraints by " +
      std::string{is_node ? "kubernetes.io/hostname" : "topology.kubernetes.io/zone"};
  // Two nodes cannot share three masters, nor three nodes four, so that the loss of any one leaves
  // a majority.
  const std::size_t most_per_node = (cluster.shards.size() - 1) / 2;
  const bool avoidable =
      is_node && cluster.survival.nodes.size() * most_per_node >= cluster.shards.size();
  if (loss.majority_gone) {
    const std::string mend = is_node ? failover_command(cluster, name, most_per_node) : "";
    found.push_back({.id = "majority-on-one-" + kind,
                     .severity = avoidable ? Severity::warning : Severity::info,
                     .message = "without " + where + " no majority of masters is left (" +
                                std::to_string(loss.masters) + " of " +
                                std::to_string(cluster.shards.size()) +
                                " run there), so no replica could take over",
                     .fix = mend.empty() ? spread : mend});
  }
  const SlotSet unexplained = is_node ? loss.slots.without(explained_slots(cluster)) : SlotSet{};
  if (!unexplained.empty()) {
    found.push_back(
        {.id = "node-holds-last-copy",
         .severity = Severity::warning,
         .message = "without " + where + " slots " + unexplained.to_text() + " would be lost",
         .fix = "see which replicas do not follow: " + cluster.redis_command("status")});
  }
}

}  // namespace

void check_replica_counts(const Examined& cluster, Findings& found) {
  if (cluster.shards.empty()) {
    return;
  }
  const auto replicas = [](const ShardView& shard) { return shard.replicas.size(); };
  const ShardView& richest = *std::ranges::max_element(cluster.shards, {}, replicas);
  for (const ShardView& shard : cluster.shards) {
    const std::string name = cluster.name_of(*shard.master.node);
    const bool uneven = richest.replicas.size() > shard.replicas.size() + 1;
    const std::string fix = uneven ? reattach(cluster, richest, shard) : add_a_replica(cluster);
    if (shard.replicas.empty() && cluster.view.shape.replicas > 0) {
      found.push_back({.id = "no-replica",
                       .severity = Severity::warning,
                       .message = name + " has no replica: its slots " +
                                  shard.master.node->slots.to_text() + " have one copy only",
                       .fix = fix});
    } else if (uneven) {
      found.push_back({.id = "replicas-uneven",
                       .severity = Severity::info,
                       .message = cluster.name_of(*richest.master.node) + " has " +
                                  std::to_string(richest.replicas.size()) + " replicas and " +
                                  name + " has " + std::to_string(shard.replicas.size()),
                       .fix = fix});
    }
  }
}

void check_replica_links(const Examined& cluster, Findings& found) {
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    if (!replica.member->server) {
      return;
    }
    const std::string& pod = replica.member->pod.name;
    const std::string names = "pod " + pod + ", replica of pod " + master.member->pod.name + ", ";
    const std::int64_t lag = replication_lag_bytes(master, replica).value_or(0);
    if (!replica.member->server->master_link_up) {
      found.push_back({.id = "replica-link-down",
                       .severity = Severity::warning,
                       .message = names + "is not connected to it: its copy grows old",
                       .fix = cluster.kubectl("logs " + pod)});
    } else if (lag > k_lag_limit_bytes) {
      found.push_back(
          {.id = "replication-lag",
           .severity = Severity::warning,
           .message = names + "is " + bytes_text(lag) + " behind",
           .fix = "watch whether it catches up: " + cluster.redis_command("status") + " --watch"});
    }
  });
}

void check_replica_places(const Examined& cluster, Findings& found) {
  if (cluster.one_node) {
    const std::string& node = cluster.view.members.front().pod.domain.node;
    found.push_back({.id = "one-node",
                     .severity = Severity::warning,
                     .message = "all " + std::to_string(cluster.view.members.size()) +
                                " pods run on Kubernetes node " + node +
                                ": when it fails, the whole cluster does",
                     .fix = "add nodes to Kubernetes, then move the pods one by one: " +
                            move_away(cluster, cluster.view.members.back().pod.name, node)});
    return;
  }
  const bool zones = has_several_zones(cluster.view);
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    const FailureDomain& mine = replica.member->pod.domain;
    const FailureDomain& other = master.member->pod.domain;
    const std::string& pod = replica.member->pod.name;
    const std::string names = "pod " + pod + " replicates pod " + master.member->pod.name;
    if (!mine.node.empty() && mine.node == other.node) {
      found.push_back({.id = "replica-on-masters-node",
                       .severity = Severity::warning,
                       .message = names + " on the same Kubernetes node, " + mine.node +
                                  ": both copies fail with it",
                       .fix = move_away(cluster, pod, mine.node)});
    } else if (zones && !mine.zone.empty() && mine.zone == other.zone) {
      found.push_back({.id = "replica-in-masters-zone",
                       .severity = Severity::info,
                       .message = names + " in the same zone, " + mine.zone,
                       .fix = "spread the pods over zones: topology spread constraints by"
                              " topology.kubernetes.io/zone"});
    }
  });
}

void check_survival(const Examined& cluster, Findings& found) {
  if (cluster.one_node) {
    return;
  }
  for (const auto& [node, loss] : cluster.survival.nodes) {
    check_domain(cluster, "node", node, loss, found);
  }
  if (has_several_zones(cluster.view)) {
    for (const auto& [zone, loss] : cluster.survival.zones) {
      check_domain(cluster, "zone", zone, loss, found);
    }
  }
}

}  // namespace kredis::core
