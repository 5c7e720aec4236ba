// SPDX-License-Identifier: Apache-2.0
//
// Epochs of those that take slots. Who takes a slot has an epoch above the giver's, and all masters
// know it before the slot is closed: else they might vote for a replica of the giver that has not
// heard of the move, and it would take the slot back, upon which the taker deletes the keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "plugin/apply/move_view.hpp"

namespace kredis::plugin {

/// Threads: one thread at a time.
class TakerEpochs {
 public:
  TakerEpochs(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct)
      : moves_(moves), cluster_(cluster), conduct_(conduct) {}

  /// CLUSTER BUMPEPOCH where it is needed, by the last look. Gossip carries it round in a second or
  /// two. CLUSTER MEET of who is known would in a tenth, but it goes without the host name, which
  /// Redis 8.0 then forgets: clients were sent to "?".
  /// Errors: as ends_of.
  Status raise();
  /// Looks whether all know them and no two masters have the same; true as well where that does not
  /// come to be within three seconds.
  bool are_heard();

 private:
  bool all_know() const;

  const Moves& moves_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::vector<std::vector<core::Command>> raises_ = {};  ///< By member.
  std::vector<std::pair<core::NodeId, std::uint64_t>> above_ = {};
  std::chrono::steady_clock::time_point asked_ = {};
  std::chrono::steady_clock::time_point until_ = {};
};

}  // namespace kredis::plugin
