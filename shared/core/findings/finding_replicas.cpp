// SPDX-License-Identifier: Apache-2.0
//
// Findings about copies: whether each master has one, whether it follows, and where it runs.
#include <algorithm>
#include <map>
#include <set>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/findings/masters_spread.hpp"
#include "shared/core/findings/told_apart.hpp"

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
    if (replica.member->self() != nullptr && !replica.member->server) {
      explained.insert(master.node->slots);  // Whether it follows is unknown.
    }
    if (replica.node->flags.nofailover) {
      explained.insert(master.node->slots);
    }
  });
  for (const SeenNode& stray : strays_of(cluster.view)) {
    explained.insert(stray.node->slots);
  }
  return explained;
}

/// How pods come to run elsewhere: none may return to `node` while they are made anew.
std::string move_away(const Examined& cluster, const std::string& pod, const std::string& node) {
  return "kubectl cordon " + node + " && " + cluster.kubectl("delete pod " + pod) +
         " && kubectl uncordon " + node;
}

/// A replica where there is one: nothing is lost with it.
std::string one_to_move(const Examined& cluster) {
  for (const ShardView& shard : cluster.shards) {
    for (const SeenNode& replica : shard.replicas) {
      if (replica.member != nullptr) {
        return replica.member->pod.name;
      }
    }
  }
  return cluster.view.members.back().pod.name;
}

/// Gives one replica of `from` to the master of `to`.
std::string reattach_command(const Examined& cluster, const ShardView& from, const ShardView& to) {
  const SeenNode& replica = from.replicas.back();
  const SeenNode& master = to.master;
  return cluster.redis_command("node replicate") + " --pod " +
         (replica.member == nullptr ? replica.node->id.short_text() : replica.member->pod.name) +
         " --master " +
         (master.member == nullptr ? master.node->id.short_text() : master.member->pod.name);
}

/// Masters that own slots and are away: while some are, the loss of one more is no news.
bool some_masters_are_away(const Examined& cluster) {
  return std::ranges::any_of(cluster.shards, [](const ShardView& shard) {
    return !shard.master.node->slots.empty() && !is_there(shard.master);
  });
}

bool is_in_a_shard(const Examined& cluster, const Member& member) {
  return std::ranges::any_of(cluster.shards, [&](const ShardView& shard) {
    return shard.master.member == &member ||
           std::ranges::any_of(shard.replicas,
                               [&](const SeenNode& it) { return it.member == &member; });
  });
}

/// By the pod that is there and has no part in the cluster, or by one more.
Remedy add_a_replica(const Examined& cluster) {
  const std::string init = cluster.redis_command("init");
  for (const Member& member : cluster.view.members) {
    if (!is_in_a_shard(cluster, member)) {
      return mends(init, member.pod.running ? "" : "when pod " + member.pod.name + " runs");
    }
  }
  const std::string pods = std::to_string(cluster.view.members.size() + 1);
  return mends(cluster.kubectl("scale " + cluster.workload() + " --replicas=" + pods) + " && " +
               init);
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
  if (loss.majority_gone && !some_masters_are_away(cluster)) {
    const std::string mend = is_node ? failover_command(cluster, name, most_per_node) : "";
    add(found,
        "majority-on-one-" + kind,
        "without " + where + " no majority of masters is left (" + std::to_string(loss.masters) +
            " of " + std::to_string(cluster.shards.size()) +
            " run there), so no replica could take over",
        mend.empty() ? by_hand(spread) : mends(mend),
        avoidable ? Severity::warning : Severity::info);
  }
  const SlotSet unexplained = is_node ? loss.slots.without(explained_slots(cluster)) : SlotSet{};
  if (!unexplained.empty()) {
    add(found,
        "node-holds-last-copy",
        "without " + where + " slots " + unexplained.to_text() + " would be lost",
        shows(cluster.redis_command("status"), "see which replicas do not follow"));
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
    if (shard.replicas.empty() && cluster.view.shape.replicas > 0) {
      add(found,
          "no-replica",
          name + " has no replica: its slots " + shard.master.node->slots.to_text() +
              " have one copy only",
          uneven ? mends(reattach_command(cluster, richest, shard)) : add_a_replica(cluster));
    } else if (uneven) {
      add(found,
          "replicas-uneven",
          cluster.name_of(*richest.master.node) + " has " +
              std::to_string(richest.replicas.size()) + " replicas and " + name + " has " +
              std::to_string(shard.replicas.size()),
          mends(reattach_command(cluster, richest, shard)));
    }
  }
}

void check_replica_links(const Examined& cluster, Findings& found) {
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    const std::string& pod = replica.member->pod.name;
    const std::string names = "pod " + pod + ", replica of pod " + master.member->pod.name + ", ";
    if (replica.node->flags.nofailover) {
      add(found,
          "replica-no-failover",
          names + "never takes over (cluster-replica-no-failover)",
          mends(cluster.redis_cli(pod, "CONFIG SET cluster-replica-no-failover no"),
                "in redis.conf, too, and in the running server"));
    }
    if (!replica.member->server) {
      return;
    }
    const std::int64_t lag = replication_lag_bytes(master, replica).value_or(0);
    if (!replica.member->server->master_link_up) {
      if (master.member->server && master.member->server->wants_password == true &&
          replica.member->server->gives_password == false) {
        return;  // That it cannot log in is a finding of its own.
      }
      const bool strays = dials_old_address(*replica.member, *master.member);
      const std::string where =
          strays ? " and looks for it at " + replica.member->server->master_host : "";
      add(found,
          "replica-link-down",
          names + "is not connected to it" + where + ": its copy grows old",
          strays ? mends(cluster.redis_command("node replicate") + " --pod " + pod + " --master " +
                         master.member->pod.name)
                 : shows(cluster.kubectl("logs " + pod + " -c " + replica.member->pod.container +
                                         " --tail=20")));
    } else if (lag > k_lag_limit_bytes) {
      add(found,
          "replication-lag",
          names + "is " + bytes_text(lag) + " behind",
          shows(cluster.redis_command("status"), "see whether it catches up"));
    }
  });
}

void check_replica_places(const Examined& cluster, Findings& found) {
  if (cluster.one_node) {
    const std::string& node = cluster.view.members.front().pod.domain.node;
    add(found,
        "one-node",
        "all " + std::to_string(cluster.view.members.size()) + " pods run on Kubernetes node " +
            node + ": when it fails, the whole cluster does",
        mends(move_away(cluster, one_to_move(cluster), node),
              "add nodes to Kubernetes, then move the pods one by one"));
    return;
  }
  if (clusters_told_apart(cluster.view).size() > 1) {
    return;  // Where replicas of two clusters in one run is no longer the question.
  }
  const bool zones = has_several_zones(cluster.view);
  each_pair(cluster, [&](const SeenNode& master, const SeenNode& replica) {
    const FailureDomain& mine = replica.member->pod.domain;
    const FailureDomain& other = master.member->pod.domain;
    const std::string& pod = replica.member->pod.name;
    const std::string names = "pod " + pod + " replicates pod " + master.member->pod.name;
    if (!mine.node.empty() && mine.node == other.node) {
      add(found,
          "replica-on-masters-node",
          names + " on the same Kubernetes node, " + mine.node + ": both copies fail with it",
          mends(move_away(cluster, pod, mine.node)));
    } else if (zones && !mine.zone.empty() && mine.zone == other.zone) {
      add(found,
          "replica-in-masters-zone",
          names + " in the same zone, " + mine.zone,
          by_hand("spread the pods over zones: topology spread constraints by"
                  " topology.kubernetes.io/zone"));
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
  const bool told = std::ranges::any_of(
      found, [](const Finding& each) { return each.id.starts_with("majority-on-one-"); });
  const int more = told || some_masters_are_away(cluster) ? 0 : piled_up(cluster.shards);
  if (more > 0) {
    add(found,
        "masters-uneven",
        "one Kubernetes node has " + counted(more, "master") + " more than it need have",
        mends(cluster.redis_command("fix") + " --only masters-uneven"));
  }
}

}  // namespace kredis::core
