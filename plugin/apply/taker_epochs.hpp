// SPDX-License-Identifier: Apache-2.0
//
// Epochs of those that take slots. Who takes a slot has an epoch above the giver's, and all masters
// know it before the slot is closed: else they might vote for a replica of the giver that has not
// heard of the move, and it would take the slot back, upon which the taker deletes the keys.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "plugin/apply/move_view.hpp"

namespace kredis::plugin {

/// Threads: one thread at a time.
class TakerEpochs {
 public:
  TakerEpochs(const Moves& moves, observe::Cluster& cluster, const Conduct& conduct)
      : moves_(moves), cluster_(cluster), conduct_(conduct) {}

  /// CLUSTER BUMPEPOCH where it is needed, by the last look: one taker after the other, so that the
  /// second raises its epoch above the first one's. (CLUSTER MEET of who is known would carry it
  /// round as well, but without the host name, which Redis 8.0 then forgets: clients were sent to
  /// "?".)
  /// Errors: as ends_of.
  Status raise();
  /// Looks whether all know them, and no two masters have the same; asks again where a giver's has
  /// risen meanwhile.
  /// Errors: conflict (some node does not hear of it).
  Result<bool> are_heard();

 private:
  void ask_takers();
  std::string unheard();

  const Moves& moves_;
  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::vector<MoveEnds> pairs_ = {};  ///< That have slots left.
  std::set<std::size_t> low_ = {};    ///< Takers whose epoch is not above their givers', by member.
  ports::Deadline began_ = {};
  ports::Deadline asked_ = {};
};

}  // namespace kredis::plugin
