// SPDX-License-Identifier: Apache-2.0
//
// Steps that change a cluster, as values. Planning is pure; plugin/ applies a plan and looks again.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/placement/placement.hpp"

namespace kredis::core {

/// CLUSTER MEET: `pod` introduces itself to `other`.
struct Meet {
  std::string pod;
  std::string other;
};
/// CLUSTER ADDSLOTSRANGE (ADDSLOTS before 7.0) on `pod`.
struct AddSlots {
  std::string pod;
  SlotSet slots;
};
/// CLUSTER SET-CONFIG-EPOCH on a node that is still alone. Saves the nodes from settling collisions
/// themselves; refused by a node that another one has met meanwhile, and that refusal is harmless.
struct SetEpoch {
  std::string pod;
  std::uint64_t epoch;
};
/// CLUSTER REPLICATE: `pod` becomes a replica of the node with id `master`.
struct Replicate {
  std::string pod;
  std::string master_pod;
  NodeId master;
};

/// How a replica takes its master's place.
/// https://redis.io/docs/latest/commands/cluster-failover/
enum class TakeOver {
  in_step,   ///< The master holds writes until the replica has them all: nothing is lost.
  force,     ///< Without the master, by a vote: what the replica has not received is lost.
  takeover,  ///< Without the master and without a vote.
};
/// CLUSTER FAILOVER on `pod`: the node `replica` takes over from the node `master`.
struct Failover {
  std::string pod;
  NodeId replica;
  std::string master_pod;
  NodeId master;
  TakeOver how = TakeOver::in_step;
};

using StepKind = std::variant<Meet, AddSlots, SetEpoch, Replicate, Failover>;

struct Step {
  StepKind what;
  std::string reason;  ///< Why, and what it costs; for --dry-run and the log.
};

/// Stages run one after the other, with a look at the cluster between. Within a stage the steps of
/// one pod run in the order given (one pipeline); steps of different pods do not wait for another.
struct Stage {
  std::string title;
  std::vector<Step> steps;
};

struct Plan {
  std::vector<Stage> stages;
  Placement placement = {};
  bool empty() const noexcept { return stages.empty(); }
};

/// "meet redis-app-1 redis-app-0", for people.
std::string to_text(const Step& step);

/// What turns the members of `view` into one cluster of `shape`: from six strangers, from a
/// half-made one, or nothing when it is whole. Every member must have answered. Roles that exist
/// stay, even where another placement would be better. An empty plan says that there is nothing to
/// do, not that gossip has reached everybody: check ClusterView::all_agree for that.
/// Errors: unsafe (a node holds keys outside the cluster, belongs to another cluster, has a
/// half-moved slot; two pods serve one slot or share one id), conflict (it has another number of
/// masters), invalid_argument (fewer than three masters, too few pods), unreachable (a member did
/// not answer or is loading).
Result<Plan> plan_init(const ClusterView& view, Shape shape);

}  // namespace kredis::core
