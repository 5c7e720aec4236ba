// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_drill.hpp"

#include <algorithm>
#include <utility>

#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/finding_checks.hpp"
#include "shared/core/findings/survival.hpp"
#include "shared/core/plans/plan_failover.hpp"

namespace kredis::core {
namespace {

/// Each probed shard is a client of its own; more of them tell nothing new.
constexpr std::size_t k_most_probed = 8;

/// A cluster that is not whole may not get over a loss, and could not show what the drill did.
Status check_whole(const ClusterView& view) {
  std::vector<std::string> reasons;
  for (const Member& member : view.members) {
    if (std::string text = member_lacks(member); !text.empty()) {
      reasons.push_back(std::move(text));
    }
  }
  for (const Finding& finding : find_trouble(view)) {
    if (finding.severity == Severity::error && reasons.empty()) {
      reasons.push_back(finding.message);
    }
  }
  if (reasons.empty() && !view.all_agree()) {
    reasons.emplace_back("the nodes do not agree on roles and slots");
  }
  if (reasons.empty()) {
    return {};
  }
  return Error::unsafe("cluster " + view.name +
                       " is not whole, so it is not drilled: " + list_of(reasons))
      .with_hint("mend that first: " + status_command(view));
}

/// Whether the cluster could do without the master of `hand_over`.
Status check_survives(const ClusterView& view, const HandOver& hand_over) {
  const std::string& pod = hand_over.from_pod.name;
  const Survival survival = survival_of(view);
  const auto loss = survival.pods.find(pod);
  if (loss == survival.pods.end()) {
    return Error::unsafe("no pod runs " + hand_over.from_name()).with_hint(status_command(view));
  }
  if (loss->second.majority_gone) {
    return Error::unsafe("without " + pod +
                         " no majority of masters would be left to vote for a new one")
        .with_hint("bring masters back first: " + status_command(view));
  }
  if (!loss->second.slots.empty()) {
    return Error::unsafe(pod + " holds the only copy of slots " + loss->second.slots.to_text())
        .with_hint("give it a replica first: " + status_command(view));
  }
  if (!hand_over.lag_bytes || *hand_over.lag_bytes > k_drill_most_lag_bytes) {
    const std::string behind = hand_over.lag_bytes ? bytes_text(*hand_over.lag_bytes) + " behind"
                                                   : "behind, nobody knows how far";
    return Error::unsafe("the best replica of " + pod + ", " + hand_over.to_pod.name + ", is " +
                         behind + ": acknowledged writes would be lost")
        .with_hint("wait until it has caught up: " + status_command(view));
  }
  return {};
}

ProbedShard probed(const ShardView& shard) {
  ProbedShard made{.slot = shard.master.node->slots.ranges().front().first(),
                   .nodes = {shard.master.node->id}};
  for (const SeenNode& replica : shard.replicas) {
    made.nodes.push_back(replica.node->id);
  }
  return made;
}

Drill drill_of(const std::vector<ShardView>& shards, const HandOver& hand_over) {
  Drill drill{.victim = hand_over.from,
              .pod = hand_over.from_pod,
              .slots = hand_over.slots,
              .replicas = {hand_over.to_pod},
              .lag_bytes = hand_over.lag_bytes.value_or(0)};
  for (const ShardView& shard : shards) {
    if (shard.master.node->slots.empty()) {
      continue;
    }
    if (shard.master.node->id != drill.victim) {
      drill.probed.push_back(probed(shard));
      continue;
    }
    drill.probed.insert(drill.probed.begin(), probed(shard));
    for (const SeenNode& replica : shard.replicas) {
      if (replica.member != nullptr && replica.member->pod.name != hand_over.to_pod.name) {
        drill.replicas.push_back(replica.member->pod);
      }
    }
  }
  drill.probed.resize(std::min(drill.probed.size(), k_most_probed));
  return drill;
}

/// The master that `name` means, with the replica that would follow it.
Result<HandOver> judged(const ClusterView& view, const std::string& name) {
  const auto hand_overs = plan_hand_overs(view, {.of = FailoverWish::Of::master, .name = name});
  if (!hand_overs) {
    // What it suggests is for a hand-over in need: a drill can wait.
    return hand_overs.error().code == ErrorCode::unsafe
               ? hand_overs.error().with_hint("give it a replica in sync on another node first: " +
                                              status_command(view))
               : hand_overs.error();
  }
  if (hand_overs->empty()) {
    return Error::unsafe(name + " is not a master, and a drill is about losing one")
        .with_hint("name a master: " + status_command(view));
  }
  KREDIS_CHECK(check_survives(view, hand_overs->front()));
  return hand_overs->front();
}

Result<HandOver> any_that_may_go(const ClusterView& view,
                                 const std::vector<ShardView>& shards,
                                 std::uint64_t dice) {
  std::vector<HandOver> fit;
  std::optional<Error> first;
  for (const ShardView& shard : shards) {
    if (shard.master.node->slots.empty()) {
      continue;
    }
    auto hand_over = judged(view, shard.master.node->id.to_text());
    if (hand_over) {
      fit.push_back(std::move(*hand_over));
    } else if (!first) {
      first = hand_over.error();
    }
  }
  if (fit.empty()) {
    return first.value_or(
        Error::unsafe("cluster " + view.name + " has no master").with_hint(status_command(view)));
  }
  return fit[static_cast<std::size_t>(dice % fit.size())];
}

}  // namespace

std::string member_lacks(const Member& member) {
  if (member.trouble || member.self() == nullptr || !member.server || !member.cluster) {
    return member.pod.name +
           (member.pod.trouble.empty() ? " does not answer" : ": " + member.pod.trouble);
  }
  if (!member.pod.ready) {
    return member.pod.name + " is not ready";
  }
  if (member.server->loading) {
    return member.pod.name + " loads its data";
  }
  if (!member.cluster->state_ok) {
    return member.pod.name + " sees the cluster as failed";
  }
  if (member.server->role == Role::replica && !member.server->master_link_up) {
    return member.pod.name + " is not in sync with its master";
  }
  return {};
}

Result<Drill> plan_drill(const ClusterView& view, const DrillWish& wish) {
  if (view.agreed() == nullptr) {
    return nobody_answers(view);
  }
  KREDIS_CHECK(check_whole(view));
  const std::vector<ShardView> shards = shards_of(view);
  KREDIS_TRY(
      const HandOver hand_over,
      wish.master.empty() ? any_that_may_go(view, shards, wish.dice) : judged(view, wish.master));
  return drill_of(shards, hand_over);
}

DrillSight sight_of(const ClusterView& view, const Drill& drill) {
  DrillSight sight;
  for (const Member& member : view.members) {
    const Node* self = member.self();
    if (self == nullptr || self->id == drill.victim) {
      continue;
    }
    if (const Node* victim = member.view->find(drill.victim)) {
      sight.suspected |= victim->flags.pfail || victim->flags.fail;
      sight.detected |= victim->flags.fail;
    }
    if (self->role == Role::master && !self->slots.shared_with(drill.slots).empty()) {
      sight.heir = self->id;
    }
  }
  return sight;
}

std::string drill_missing(const ClusterView& view,
                          const Drill& drill,
                          const std::optional<NodeId>& heir) {
  for (const Member& member : view.members) {
    if (std::string text = member_lacks(member); !text.empty()) {
      return text;
    }
  }
  const Member* back = view.by_id(drill.victim);
  if (back == nullptr) {
    return drill.pod.name + " is not back as the node it was";
  }
  if (heir && back->self()->role != Role::replica) {
    return drill.pod.name + " does not know yet that it is a replica";
  }
  return view.all_agree() ? "" : "the nodes do not agree on roles and slots yet";
}

}  // namespace kredis::core
