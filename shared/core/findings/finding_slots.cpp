// SPDX-License-Identifier: Apache-2.0
//
// Findings about slots: who serves them, and whether the nodes agree on that.
#include <algorithm>

#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/running_jobs.hpp"
#include "shared/core/text.hpp"
#include "shared/core/unseen_pods.hpp"

namespace kredis::core {
namespace {

/// "0-5460 (5461 slots)".
std::string slots_text(const SlotSet& slots) {
  return slots.to_text() + " (" + counted(slots.size(), "slot") + ")";
}

/// Who owns which slots, as one comparable text.
std::string owners_text(const Topology& topology) {
  std::vector<std::string> lines;
  for (const Node& node : topology.nodes()) {
    if (!node.slots.empty()) {
      lines.push_back(node.id.to_text() + " " + node.slots.to_text());
    }
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

bool has(const Findings& found, std::string_view id) {
  return std::ranges::any_of(found, [id](const Finding& each) { return each.id == id; });
}

bool has_majority_gone(std::size_t owners, std::size_t lost) {
  return owners > 0 && 2 * (owners - lost) <= owners;
}

}  // namespace

void check_initialised(const Examined& cluster, Findings& found) {
  if (cluster.agreed != nullptr && cluster.agreed->assigned_slots().empty()) {
    add(found,
        "not-initialised",
        "nobody serves a slot yet: the " + std::to_string(cluster.view.members.size()) +
            " pods are not one cluster",
        mends(cluster.redis_command("init")));
  }
}

void check_coverage(const Examined& cluster, Findings& found) {
  const SlotSet missing = uncovered_slots(cluster.view);
  if (missing.empty()) {
    return;
  }
  const auto silent = std::ranges::find_if(
      cluster.view.members, [](const Member& member) { return member.self() == nullptr; });
  const bool all_answer = silent == cluster.view.members.end();
  add(found,
      "slots-uncovered",
      "nobody serves slots " + slots_text(missing) +
          (all_answer ? "" : "; pod " + silent->pod.name + " does not answer, and may own them"),
      all_answer ? mends(cluster.redis_command("fix") + " --only slots-uncovered")
                 : shows(cluster.kubectl("describe pod " + silent->pod.name), "mend that first"));
}

void check_denied_slots(const Examined& cluster, Findings& found) {
  for (const auto& [owner, slots] : denied_slots(cluster.view)) {
    const std::string& pod = owner->pod.name;
    add(found,
        "slots-denied",
        "slots " + slots_text(slots) + " are pod " + pod +
            "'s, others say, and it says that they are not: clients are sent in a circle",
        mends(cluster.redis_command("node claim") + " --pod " + pod + " --slots " +
              slots.to_text()));
  }
}

void check_failed_owners(const Examined& cluster, Findings& found) {
  for (const auto& [master, replicas] : cluster.shards) {
    if (!master.node->flags.fail || master.node->slots.empty()) {
      continue;
    }
    Remedy remedy;
    if (master.member != nullptr) {
      remedy = shows(cluster.kubectl("describe pod " + master.member->pod.name));
    } else if (const auto missing = missing_pods(cluster.view)) {
      remedy = shows(missing->see, missing->what + ", and may be that node");
    } else {
      remedy = mends(cluster.redis_command("node forget") + " --id " + master.node->id.short_text(),
                     "bring back the pod whose claim holds node " + master.node->id.short_text() +
                         "; where that is lost for good");
    }
    add(found,
        "slots-failed",
        cluster.name_of(*master.node) + " failed and no replica took over its slots " +
            slots_text(master.node->slots),
        remedy);
  }
}

void check_open_slots(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->open_slots.empty()) {
      continue;
    }
    const OpenSlot& first = self->open_slots.front();
    const std::string slot = std::to_string(first.slot);
    const std::size_t others = self->open_slots.size() - 1;
    const bool leaving = first.direction == OpenSlot::Direction::migrating;
    add(found,
        "slots-open",
        "slot " + slot + (others == 0 ? "" : " and " + std::to_string(others) + " more") +
            " on pod " + member.pod.name +
            (leaving ? " is half moved to node " : " is half taken over from node ") +
            first.other.short_text(),
        mends(cluster.redis_command("fix") + " --only slots-open",
              "let what moves it finish, or run that again; where nothing does"));
  }
}

void check_stray_keys(const Examined& cluster, Findings& found) {
  for (const Member& member : cluster.view.members) {
    if (member.stray_trouble) {
      add(found,
          "keys-uncounted",
          "whether pod " + member.pod.name +
              " has keys that no client finds is not known: " + member.stray_trouble->message,
          shows(cluster.redis_command("doctor"), "look again"));
    }
    SlotSet slots;
    std::int64_t keys = 0;
    for (const auto& [slot, count] : member.stray_keys) {
      slots.insert(one_slot(slot));
      keys += count;
    }
    if (!slots.empty()) {
      add(found,
          "keys-astray",
          "no client finds " + counted(keys, "key") + " on pod " + member.pod.name + ": slots " +
              slots.to_text() + " are not its own",
          mends(cluster.redis_command("fix") + " --only keys-astray"));
    }
  }
}

void check_moving_slots(const Examined& cluster, Findings& found) {
  for (const RunningJob& running : running_jobs(cluster.view)) {
    add(found,
        "slots-moving",
        "the servers move " + job_text(cluster.view, running),
        mends(cancel_command(cluster.view, running),
              "wait for it, or to end it with nothing moved"));
  }
}

void check_agreement(const Examined& cluster, Findings& found) {
  if (cluster.agreed == nullptr || cluster.agreed->assigned_slots().empty()) {
    return;
  }
  const std::uint64_t signature = cluster.agreed->signature();
  const std::string owners = owners_text(*cluster.agreed);
  std::vector<std::string> others;
  bool same_owners = true;
  for (const Member& member : cluster.view.members) {
    // A pod that knows nobody is a finding of its own.
    if (!member.view || member.view->nodes().size() == 1 || member.view->signature() == signature) {
      continue;
    }
    others.push_back(member.pod.name);
    same_owners = same_owners && owners_text(*member.view) == owners;
  }
  const bool explained = has(found, "slots-denied") || has(found, "twin-node");
  if (others.empty() || explained) {
    return;
  }
  const std::string what = same_owners ? "the nodes of the cluster" : "who serves which slots";
  add(found,
      "views-disagree",
      list_of(others) + (others.size() == 1 ? " does" : " do") + " not see " + what +
          " as the others do",
      mends(cluster.redis_command("fix") + " --only views-disagree",
            "wait a few seconds; if it stays"),
      same_owners ? Severity::warning : Severity::error);
}

void check_majority(const Examined& cluster, Findings& found) {
  std::vector<std::string> lost;
  std::string takeover;
  std::string meet;
  std::size_t owners = 0;
  for (const auto& [master, replicas] : cluster.shards) {
    if (master.node->slots.empty()) {
      continue;
    }
    ++owners;
    if (is_there(master)) {
      continue;
    }
    lost.push_back(cluster.name_of(*master.node));
    if (meet.empty() && master.member != nullptr && master.member->self() != nullptr) {
      meet = cluster.redis_command("node meet") + " --pod " + master.member->pod.name;
    }
    const auto heir = std::ranges::find_if(replicas, [](const SeenNode& replica) {
      return replica.member != nullptr && replica.member->self() != nullptr;
    });
    if (takeover.empty() && heir != replicas.end()) {
      takeover = cluster.redis_command("failover") + " --takeover --pod " + heir->member->pod.name;
    }
  }
  if (!has_majority_gone(owners, lost.size())) {
    return;
  }
  const Remedy remedy =
      !meet.empty() ? mends(meet, "it answers us, and not the others, who may know an old address")
      : takeover.empty()
          ? shows(cluster.kubectl("get pods -o wide"), "bring one of them back")
          : mends(takeover,
                  "bring one of them back; where it is lost, what its replica has not copied is, "
                  "too, and the replica takes over by");
  add(found,
      "no-majority",
      std::to_string(lost.size()) + " of " + std::to_string(owners) + " masters are away" +
          (meet.empty() ? "" : " for the others") + " (" + list_of(lost) +
          "): no majority is left to vote a replica in, and nothing is served",
      remedy);
}

void check_cluster_state(const Examined& cluster, Findings& found) {
  if (cluster.agreed == nullptr || cluster.agreed->assigned_slots() != SlotSet::all()) {
    return;  // A missing slot explains the state.
  }
  if (has(found, "no-majority")) {
    return;
  }
  std::vector<std::string> failing;
  for (const Member& member : cluster.view.members) {
    const bool alone = member.view && member.view->nodes().size() == 1;
    if (member.cluster && !member.cluster->state_ok && !alone) {
      failing.push_back(member.pod.name);
    }
  }
  if (!failing.empty()) {
    add(found,
        "cluster-state-fail",
        list_of(failing) + (failing.size() == 1 ? " says" : " say") +
            " that the cluster is down (cluster_state:fail)",
        shows(
            cluster.redis_command("status"),
            "mend the other findings first; with none, wait for the node timeout and look again"));
  }
}

void check_master_count(const Examined& cluster, Findings& found) {
  const auto owners = std::ranges::count_if(
      cluster.shards, [](const ShardView& shard) { return !shard.master.node->slots.empty(); });
  constexpr std::ptrdiff_t k_fewest = 3;
  if (owners > 0 && owners < k_fewest) {
    add(found,
        "few-masters",
        "only " + std::to_string(owners) + (owners == 1 ? " master serves" : " masters serve") +
            " slots: when one fails, no majority is left to replace it",
        by_hand("create the cluster with at least 3 masters"));
  } else if (owners > 0 && owners % 2 == 0) {
    add(found,
        "even-masters",
        std::to_string(owners) + " masters survive no more failures at once than " +
            std::to_string(owners - 1) + " would",
        by_hand("prefer an odd number of masters"));
  }
}

}  // namespace kredis::core
