// SPDX-License-Identifier: Apache-2.0
//
// Handing masters over to replicas on purpose: who takes over from whom, in which order, and what
// shows that it is done. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/plan.hpp"

namespace kredis::core {

/// Which masters are to hand over.
struct FailoverWish {
  enum class Of {
    pod,     ///< A replica takes over from its master; a master hands over to its best replica.
    master,  ///< The pod, or the node by the start of its id, if it is a master.
    node,    ///< Every master on that Kubernetes node, to replicas elsewhere.
    zone,    ///< Every master in that zone, to replicas elsewhere.
  };
  Of of = Of::pod;
  std::string name = {};
  TakeOver how = TakeOver::in_step;
};

/// One shard whose replica `to` takes over from its master `from`.
struct HandOver {
  NodeId from;
  NodeId to;
  Pod from_pod = {};  ///< Without a name where no pod is that node.
  Pod to_pod = {};
  SlotSet slots = {};
  TakeOver how = TakeOver::in_step;
  bool from_answers = true;                    ///< Else nobody waits for it to follow.
  std::optional<std::int64_t> lag_bytes = {};  ///< When it was planned; nullopt when unknown.

  /// The pod's name, or the start of the id.
  std::string from_name() const;
};

/// Which hand-overs `wish` asks for; none when there is nothing to do. Of the replicas that may
/// take over, those in step come first, then those whose place leaves the masters spread best, then
/// the one that lacks least.
/// Errors: not_found (no such pod, master, node or zone: names those that there are),
/// invalid_argument (the start of an id fits several), unsafe (a master has no replica that could
/// take over, names each and why; no majority is left to vote), conflict (nobody answers).
Result<std::vector<HandOver>> plan_hand_overs(const ClusterView& view, const FailoverWish& wish);

/// The hand-overs as steps. One stage each where nodes vote: two elections at once would share an
/// epoch, a node votes once in each, and the loser would hold its clients' writes for seconds.
Plan plan_failover(const std::vector<HandOver>& hand_overs);

/// The hand-overs whose replica does not say itself that it is master now.
std::vector<HandOver> unfinished(const ClusterView& view, const std::vector<HandOver>& hand_overs);

/// Says whose view does not show `failover` yet, of all nodes that answer; empty when all do.
std::string failover_missing(const ClusterView& view, const Failover& failover);

/// Says what is missing until every node shows the new roles and all replicas of the new masters
/// follow in sync; empty when nothing is. Needs what INFO says. A pod that nobody is to wait for is
/// no member of `view`.
std::string unsettled(const ClusterView& view, const std::vector<HandOver>& hand_overs);

}  // namespace kredis::core
