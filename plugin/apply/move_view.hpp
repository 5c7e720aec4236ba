// SPDX-License-Identifier: Apache-2.0
//
// What both ways of moving slots look at: where a move's ends are, how far it is, and whether every
// node knows of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/latency_probe.hpp"
#include "shared/core/plans/step.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

using Moves = std::vector<const core::MoveSlots*>;

/// Where the ends of a move are among the members, and what is still at its source.
struct MoveEnds {
  std::size_t source = 0;
  std::size_t target = 0;
  core::SlotSet left = {};
};

/// Errors: unreachable (an end does not answer), conflict (slots that are at neither, or
/// that a third claims).
Result<MoveEnds> ends_of(const core::MoveSlots& move, const core::ClusterView& view);

/// What clients of some nodes wait for. By the nodes' places on the switchboard.
class Probes {
 public:
  /// Asks the node from now on. Errors: those of the connection.
  Status add(observe::Cluster& cluster, std::size_t at, ports::Deadline deadline);
  std::chrono::microseconds now(std::size_t at) const;
  /// What exchanges with it took before, beyond the shortest; waited for a moment where that is not
  /// known yet, and nothing where it takes longer.
  std::chrono::microseconds usual(std::size_t at) const;
  std::chrono::microseconds worst() const;

 private:
  std::map<std::size_t, std::unique_ptr<LatencyProbe>> probes_ = {};
};

/// How far moves are.
struct MoveCount {
  std::uint32_t slots = 0;   ///< Arrived.
  std::uint32_t all = 0;     ///< To move.
  std::uint32_t before = 0;  ///< Of those that arrived, before this run.
  std::int64_t keys = 0;
  std::int64_t bytes = 0;           ///< 0 where it is not known.
  std::optional<double> part = {};  ///< How much of what was to go has gone; else by slots.
  std::chrono::duration<double> time = {};
  std::chrono::microseconds worst = {};
};
/// "5 of 10 slots moved, 63 keys, 1000 keys/s, 3 s left, clients waited 1 ms at most".
std::string to_text(const MoveCount& count);

/// Why moves are to end before they are done, `text` being how far they are; nothing else.
std::optional<Error> is_to_end(const Conduct& conduct, const std::string& text);

/// Until every node's map shows the slots where they went; raises the takers' epochs where gossip
/// does not settle it. Errors: as wait_until; conflict (they do not come to agree).
Status wait_until_owned(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct);

}  // namespace kredis::plugin
