// SPDX-License-Identifier: Apache-2.0
//
// Findings about who is a node of the cluster, and who is not.
#include <algorithm>
#include <map>
#include <utility>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/findings/told_apart.hpp"
#include "shared/core/text.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

bool is_initialised(const Examined& cluster) {
  return cluster.agreed != nullptr && !cluster.agreed->assigned_slots().empty();
}

bool is_alone(const Member& member) { return member.view && member.view->nodes().size() == 1; }

const std::vector<Node>& nodes_seen_by(const Member& member) {
  static const std::vector<Node> k_none;
  return member.view ? member.view->nodes() : k_none;
}

/// Whether `viewer` fails to reach a node at the address that it knows.
bool is_lost_to(const Node& seen) {
  return !seen.flags.myself && (seen.flags.pfail || seen.flags.fail || !seen.link_connected);
}

/// A node that lives is somebody's, and never forgotten on our word. One that is gone and held
/// nothing is forgotten by init, on all pods at once.
Remedy ghost_remedy(const Examined& cluster, const Node& node, bool gone) {
  if (!gone) {
    return shows("kubectl get pods -A -o wide --field-selector status.podIP=" + node.address.ip,
                 "see whose it is");
  }
  if (node.slots.empty()) {
    return mends(cluster.redis_command("init"));
  }
  return mends(cluster.redis_command("node forget") + " --id " + node.id.short_text(),
               "bring back the pod whose claim holds node " + node.id.short_text() +
                   "; where that is lost for good");
}

std::string master_text(const Examined& cluster, const Node& self) {
  const Node* master = self.master ? cluster.agreed->find(*self.master) : nullptr;
  if (master == nullptr) {
    return self.master ? "node " + self.master->short_text() + ", which nobody knows" : "nobody";
  }
  return cluster.name_of(*master) +
         (master->role == Role::replica ? ", itself a replica" : ", which is gone");
}

std::string keys_text(const Member& member) {
  return member.server ? counted(member.server->keys, "key") : "its keys are not known";
}

}  // namespace

bool is_astray(const Topology& agreed, const Node& self) {
  const Node* master = self.master ? agreed.find(*self.master) : nullptr;
  return self.role == Role::replica &&
         (master == nullptr || master->role == Role::replica ||
          (master->slots.empty() && (master->flags.fail || master->flags.noaddr)));
}

/// Addresses say nothing: the others believe whichever spoke last.
const Member* later_twin(const Member& one, const Member& other) {
  if (!one.server || !other.server) {
    return nullptr;
  }
  const auto came_later = [](const ServerInfo& a, const ServerInfo& b) {
    return a.uptime_seconds < b.uptime_seconds && a.keys <= b.keys;
  };
  return came_later(*one.server, *other.server)   ? &one
         : came_later(*other.server, *one.server) ? &other
                                                  : nullptr;
}

void check_merged(const Examined& cluster, Findings& found) {
  const std::vector<std::string> clusters = clusters_told_apart(cluster.view);
  if (!is_initialised(cluster) || clusters.size() < 2) {
    return;
  }
  add(found,
      "clusters-merged",
      list_of(clusters) +
          " look like clusters of their own and are one: what the masters that "
          "became replicas had stored is gone",
      shows("kubectl redis explain clusters-merged", "stop their clients, and read"));
}

void check_twins(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const Node* self = member.self();
    const Member* first = self == nullptr ? nullptr : cluster.answering.at(self->id);
    if (first == nullptr || first == &member) {
      continue;
    }
    const Member* twin = later_twin(*first, member);
    const Remedy look = shows(cluster.kubectl("get pods -o wide"),
                              "one started from a copy of the other's volume; see which is newer");
    add(found,
        "twin-node",
        "pods " + first->pod.name + " (" + keys_text(*first) + ") and " + member.pod.name + " (" +
            keys_text(member) + ") both say that they are node " + self->id.short_text() +
            (twin == nullptr ? "" : ", " + twin->pod.name + " since it started last"),
        twin == nullptr ? look
                        : mends(cluster.redis_command("node reset") + " --pod " + twin->pod.name));
  }
}

void check_answers(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const std::string pod = "pod " + member.pod.name;
    if (member.server && member.server->loading) {
      add(found,
          "loading",
          pod + " is loading its data and answers no reads or writes yet",
          shows(cluster.redis_command("status"), "wait, and look again"));
    } else if (member.trouble && member.view) {
      add(found,
          "info-refused",
          pod + " does not say how it is: " + member.trouble->message,
          by_hand(member.trouble->hint.empty() ? "docs/rbac.md lists the commands that it needs"
                                               : member.trouble->hint));
    } else if (member.trouble && member.pod.running && member.pod.node_trouble.empty()) {
      const Error& error = *member.trouble;
      add(found,
          "no-answer",
          pod + " does not answer: " + error.message,
          error.code == ErrorCode::unauthorized && !error.hint.empty()
              ? by_hand(error.hint)
              : shows(cluster.kubectl("logs " + member.pod.name + " -c " + member.pod.container +
                                      " --tail=20"),
                      error.hint));
    }
  }
}

void check_addresses(const Examined& cluster, Findings& found) {
  struct Wrong {
    std::string ip;
    std::size_t viewers = 0;
  };
  std::map<int, std::pair<const Member*, Wrong>> wrongs;
  for (const Member& viewer : cluster.view.members) {
    for (const Node& node : nodes_seen_by(viewer)) {
      if (!is_lost_to(node) || node.address.ip.empty()) {
        continue;
      }
      const auto pod = cluster.answering.find(node.id);
      if (pod == cluster.answering.end()) {
        continue;
      }
      const std::string& expected = expected_ip(pod->second->pod);
      if (!expected.empty() && node.address.ip != expected) {
        auto& [member, wrong] = wrongs[pod->second->pod.ordinal];
        member = pod->second;
        wrong = {node.address.ip, wrong.viewers + 1};
      }
    }
  }
  for (const auto& [ordinal, entry] : wrongs) {
    const auto& [member, wrong] = entry;
    add(found,
        "address-stale",
        "pod " + member->pod.name + " has the address " + expected_ip(member->pod) + ", and " +
            std::to_string(wrong.viewers) + " of " + std::to_string(cluster.view.members.size()) +
            " pods know it as " + wrong.ip + " and do not reach it",
        mends(cluster.redis_command("node meet") + " --pod " + member->pod.name));
  }
}

void check_ghosts(const Examined& cluster, Findings& found) {
  struct Ghost {
    const Node* node = nullptr;
    std::vector<std::string> known_to;
  };
  std::map<NodeId, Ghost> ghosts;
  const bool all_heard = !unseen_pods(cluster.view);
  const bool all_there = !missing_pods(cluster.view);
  std::set<std::uint64_t> ours_alone;
  for (const Member& member : cluster.view.members) {
    if (!member.view || ours_alone.contains(member.view->signature())) {
      continue;  // It knows whom one before it knows.
    }
    bool all_ours = true;
    for (const Node& node : member.view->nodes()) {
      const bool ours = node.flags.handshake || cluster.answering.contains(node.id);
      all_ours = all_ours && ours;
      if (!ours && cluster.view.by_node(node) == nullptr) {
        Ghost& ghost = ghosts[node.id];
        ghost.node = &node;
        ghost.known_to.push_back(member.pod.name);
      }
    }
    if (all_ours) {
      ours_alone.insert(member.view->signature());
    }
  }
  for (const auto& [id, ghost] : ghosts) {
    const bool gone = ghost.node->flags.fail || ghost.node->flags.noaddr;
    if (gone ? !all_there : !all_heard || is_away(cluster.view, id)) {
      continue;  // It may be the node of a pod that does not answer, is not there, or just was it.
    }
    const std::string address =
        ghost.node->address.ip.empty() ? "" : " (" + ghost.node->address.ip + ")";
    add(found,
        gone ? "ghost-node" : "foreign-node",
        "node " + id.short_text() + address + " is known to " + list_of(ghost.known_to) +
            (gone ? ", failed, and is" : " and is") + " none of the pods of this namespace",
        ghost_remedy(cluster, *ghost.node, gone),
        ghost.node->slots.empty() ? Severity::warning : Severity::error);
  }
}

void check_strays(const Examined& cluster, Findings& found) {
  if (!is_initialised(cluster)) {
    return;
  }
  const std::vector<SeenNode> strays = strays_of(cluster.view);
  for (const SeenNode& stray : strays) {
    const std::string& pod = stray.member->pod.name;
    add(found,
        "only-copy-outside",
        "pod " + pod + " says that it is the master of slots " + stray.node->slots.to_text() +
            " (" + keys_text(*stray.member) +
            "), which the other nodes give to nobody: it may have the only copy",
        mends(cluster.redis_command("node meet") + " --pod " + pod));
  }
  for (const Member& member : cluster.view.members) {
    const Node* self = member.self();
    const bool is_told =
        self == nullptr || std::ranges::find(strays, &member, &SeenNode::member) != strays.end();
    if (is_told) {
      continue;
    }
    if (is_alone(member) && cluster.agreed->nodes().size() > 1) {
      add(found,
          "pod-outside",
          "pod " + member.pod.name + " knows no other node: it is not part of the cluster",
          mends(cluster.redis_command("init")));
    } else if (is_astray(*cluster.agreed, *self)) {
      add(found,
          "replica-astray",
          "pod " + member.pod.name + " is a replica of " + master_text(cluster, *self) +
              ": it copies nothing that is served",
          mends(cluster.redis_command("fix") + " --only replica-astray"));
    } else if (self->role == Role::master && self->slots.empty()) {
      add(found,
          "master-without-slots",
          "pod " + member.pod.name + " is a master without slots: it serves nobody",
          mends(cluster.redis_command("init")));
    }
  }
}

}  // namespace kredis::core
