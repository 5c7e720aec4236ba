// SPDX-License-Identifier: Apache-2.0
//
// Findings about single pods and their servers.
#include <algorithm>
#include <map>
#include <utility>

#include "shared/core/findings/finding_checks.hpp"

namespace kredis::core {
namespace {

bool is_initialised(const Examined& cluster) {
  return cluster.agreed != nullptr && !cluster.agreed->assigned_slots().empty();
}

bool is_alone(const Member& member) { return member.view && member.view->nodes.size() == 1; }

const std::vector<Node>& nodes_seen_by(const Member& member) {
  static const std::vector<Node> k_none;
  return member.view ? member.view->nodes : k_none;
}

const std::string& expected_ip(const Pod& pod) {
  return pod.announced_ip.empty() ? pod.ip : pod.announced_ip;
}

/// The scheduler's words. The StatefulSet made the pod while the claim before was still going, and
/// makes the next claim only when it looks at the pod again.
bool waits_for_a_claim_that_is_gone(const Pod& pod) {
  return pod.owner.starts_with("statefulset/") && !pod.running &&
         pod.trouble.find("persistentvolumeclaim \"") != std::string::npos &&
         pod.trouble.find("\" not found") != std::string::npos;
}

/// A node that lives is somebody's, and never forgotten on our word. One that is gone and held
/// nothing is forgotten by init, on all pods at once.
std::string ghost_fix(const Examined& cluster, const Node& node, bool gone) {
  if (!gone) {
    return "see whose it is: kubectl get pods -A -o wide --field-selector status.podIP=" +
           node.address.ip;
  }
  return node.slots.empty() ? cluster.redis_command("init")
                            : "bring back the pod whose claim holds node " + node.id.short_text();
}

}  // namespace

void check_pods(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const Pod& pod = member.pod;
    if (pod.running && pod.ready) {
      continue;
    }
    const bool again = waits_for_a_claim_that_is_gone(pod);
    const std::string state = pod.running ? " is not ready" : " is not running";
    found.push_back(
        {.id = pod.running ? "pod-not-ready" : "pod-not-running",
         .severity = pod.running ? Severity::warning : Severity::error,
         .message = "pod " + pod.name + state + (pod.trouble.empty() ? "" : ": " + pod.trouble),
         .fix = cluster.kubectl((again ? "delete pod " : "describe pod ") + pod.name)});
  }
}

void check_pod_count(const Examined& cluster, Findings& found) {
  const Shape& shape = cluster.view.shape;
  const std::size_t wanted = std::size_t{shape.masters} * (std::size_t{1} + shape.replicas);
  const std::size_t present = cluster.view.members.size();
  if (shape.inferred || present >= wanted) {
    return;
  }
  found.push_back({.id = "pods-missing",
                   .severity = Severity::warning,
                   .message = std::to_string(present) + " pods are there, and " +
                              std::to_string(shape.masters) + " masters with " +
                              std::to_string(shape.replicas) + " replicas each need " +
                              std::to_string(wanted),
                   .fix = cluster.kubectl("scale " + cluster.workload() +
                                          " --replicas=" + std::to_string(wanted))});
}

void check_answers(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const std::string pod = "pod " + member.pod.name;
    if (member.server && member.server->loading) {
      found.push_back({.id = "loading",
                       .severity = Severity::warning,
                       .message = pod + " is loading its data and answers no reads or writes yet",
                       .fix = "wait; watch it: " + cluster.redis_command("status") + " --watch"});
    } else if (member.trouble && member.pod.running) {
      const Error& error = *member.trouble;
      found.push_back(
          {.id = "no-answer",
           .severity = Severity::error,
           .message = pod + " does not answer: " + error.message,
           .fix = error.hint.empty() ? cluster.kubectl("logs " + member.pod.name) : error.hint});
    }
  }
}

void check_addresses(const Examined& cluster, Findings& found) {
  struct Wrong {
    std::string ip;
    std::string viewer;
    std::size_t viewers = 0;
  };
  std::map<int, std::pair<const Member*, Wrong>> wrongs;
  for (const Member& viewer : cluster.view.members) {
    for (const Node& node : nodes_seen_by(viewer)) {
      const auto pod = cluster.answering.find(node.id);
      if (pod == cluster.answering.end() || node.address.ip.empty()) {
        continue;
      }
      const std::string& expected = expected_ip(pod->second->pod);
      if (!expected.empty() && node.address.ip != expected) {
        auto& [member, wrong] = wrongs[pod->second->pod.ordinal];
        member = pod->second;
        wrong = {node.address.ip, viewer.pod.name, wrong.viewers + 1};
      }
    }
  }
  for (const auto& [ordinal, entry] : wrongs) {
    const auto& [member, wrong] = entry;
    const std::string& expected = expected_ip(member->pod);
    found.push_back(
        {.id = "address-stale",
         .severity = Severity::warning,
         .message = "pod " + member->pod.name + " has the address " + expected + ", and " +
                    std::to_string(wrong.viewers) + " of " +
                    std::to_string(cluster.view.members.size()) + " pods know it as " + wrong.ip,
         .fix = cluster.redis_cli(
             wrong.viewer, "CLUSTER MEET " + expected + " " + std::to_string(member->pod.port))});
  }
}

void check_ghosts(const Examined& cluster, Findings& found) {
  struct Ghost {
    const Node* node = nullptr;
    std::vector<std::string> known_to;
  };
  std::map<NodeId, Ghost> ghosts;
  const bool all_answered = std::ranges::all_of(
      cluster.view.members, [](const Member& member) { return member.self() != nullptr; });
  for (const Member& member : cluster.view.members) {
    for (const Node& node : nodes_seen_by(member)) {
      const bool ours = node.flags.handshake || cluster.answering.contains(node.id);
      if (!ours && cluster.view.by_node(node) == nullptr) {
        Ghost& ghost = ghosts[node.id];
        ghost.node = &node;
        ghost.known_to.push_back(member.pod.name);
      }
    }
  }
  for (const auto& [id, ghost] : ghosts) {
    const bool gone = ghost.node->flags.fail || ghost.node->flags.noaddr;
    if (!all_answered && !gone) {
      continue;  // It may be the node of a pod that does not answer.
    }
    const std::string address =
        ghost.node->address.ip.empty() ? "" : " (" + ghost.node->address.ip + ")";
    found.push_back({.id = gone ? "ghost-node" : "foreign-node",
                     .severity = ghost.node->slots.empty() ? Severity::warning : Severity::error,
                     .message = "node " + id.short_text() + address + " is known to " +
                                list_of(ghost.known_to) + (gone ? ", failed, and is" : " and is") +
                                " none of the pods of this namespace",
                     .fix = ghost_fix(cluster, *ghost.node, gone)});
  }
}

void check_strays(const Examined& cluster, Findings& found) {
  if (!is_initialised(cluster)) {
    return;
  }
  for (const Member& member : cluster.view.members) {
    const Node* self = member.self();
    if (self != nullptr && is_alone(member) && cluster.agreed->nodes.size() > 1) {
      found.push_back({.id = "pod-outside",
                       .severity = Severity::warning,
                       .message = "pod " + member.pod.name +
                                  " knows no other node: it is not part of the cluster",
                       .fix = cluster.redis_command("init")});
    } else if (self != nullptr && self->role == Role::master && self->slots.empty()) {
      found.push_back(
          {.id = "master-without-slots",
           .severity = Severity::warning,
           .message = "pod " + member.pod.name + " is a master without slots: it serves nobody",
           .fix = cluster.redis_command("init")});
    }
  }
}

void check_versions(const Examined& cluster, Findings& found) {
  std::map<std::string, std::vector<std::string>> pods_of;
  for (const Member& member : cluster.view.members) {
    if (member.server) {
      pods_of[member.server->server + " " + member.server->version].push_back(member.pod.name);
    }
  }
  if (pods_of.size() < 2) {
    return;
  }
  std::string message;
  for (const auto& [version, pods] : pods_of) {
    message += (message.empty() ? "" : "; ") + version + " on " + list_of(pods);
  }
  found.push_back(
      {.id = "mixed-versions",
       .severity = Severity::warning,
       .message = "the pods run different versions: " + message,
       .fix = "finish the roll-out: " + cluster.kubectl("rollout status " + cluster.workload())});
}

void check_persistence(const Examined& cluster, Findings& found) {
  std::vector<std::string> without;
  for (const Member& member : cluster.view.members) {
    if (member.server && !member.server->aof_enabled && member.server->rdb_enabled == false) {
      without.push_back(member.pod.name);
    }
  }
  if (without.empty()) {
    return;
  }
  found.push_back({.id = "no-persistence",
                   .severity = Severity::warning,
                   .message = list_of(without) + (without.size() == 1 ? " keeps" : " keep") +
                              " nothing on disk (no append-only file, no snapshots): a restart"
                              " loses the data, and a restarted master empties its replicas",
                   .fix = cluster.redis_cli(without.front(), "CONFIG SET appendonly yes") +
                          "; the same on each pod, and in its redis.conf"});
}

void check_memory(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const std::int64_t limit = member.pod.memory_limit_bytes;
    if (!member.server || limit <= 0) {
      continue;
    }
    const std::int64_t most = member.server->max_memory_bytes;
    const std::int64_t used = member.server->used_memory_bytes;
    const std::string pod = "pod " + member.pod.name;
    const std::string raise =
        cluster.kubectl("set resources " + cluster.workload() + " --limits=memory=");
    // Compared in this form because it cannot overflow.
    if (most > limit) {
      found.push_back(
          {.id = "maxmemory-over-limit",
           .severity = Severity::error,
           .message = pod + " may use " + bytes_text(most) + " (maxmemory) and is killed at " +
                      bytes_text(limit) + " (limit)",
           .fix = "set maxmemory to three quarters of the limit: " +
                  cluster.redis_cli(member.pod.name,
                                    "CONFIG SET maxmemory " + std::to_string(limit / 4 * 3))});
    } else if (used > limit / 3 * 2) {
      found.push_back(
          {.id = "fork-headroom",
           .severity = Severity::warning,
           .message = pod + " uses " + bytes_text(used) + " of " + bytes_text(limit) +
                      ": a snapshot or rewrite may need half as much again and be killed",
           .fix = raise + std::to_string(used / (1 << 20) * 2 + 1) + "Mi"});
    } else if (most > limit / 4 * 3) {
      found.push_back(
          {.id = "maxmemory-headroom",
           .severity = Severity::warning,
           .message = pod + " may use " + bytes_text(most) + " (maxmemory) of " +
                      bytes_text(limit) + " (limit), which leaves too little for a snapshot",
           .fix = "set maxmemory to three quarters of the limit: " +
                  cluster.redis_cli(member.pod.name,
                                    "CONFIG SET maxmemory " + std::to_string(limit / 4 * 3))});
    }
  }
}

}  // namespace kredis::core
