// SPDX-License-Identifier: Apache-2.0
//
// A part of a move that the servers make themselves: one job, and what is known of it. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugin/apply/move_view.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/core/plans/step.hpp"
#include "shared/core/reply.hpp"
#include "shared/core/slot_job.hpp"
#include "shared/ports/clock.hpp"

namespace kredis::plugin {

/// How long a job may fail again and again before somebody has to look.
inline constexpr auto k_failing_patience = std::chrono::seconds(15);

/// Some slots of a move, as one job.
struct SlotJobPart {
  const core::MoveSlots* move;
  MoveEnds ends;  ///< `left` are its slots.
  core::JobEnd begins_at;
  std::int64_t keys = 0;
  std::int64_t gone = 0;  ///< Of these, as far as the source tells.
  int tries = 0;
  std::string id = {};     ///< Of its job; empty until it is listed.
  std::string words = {};  ///< The server's, of last time.
  /// When it was begun, or last something changed that keeps it from it.
  ports::Deadline since = {};
  std::optional<ports::Deadline> refused = {};  ///< When its node refused first.
  ports::Deadline heard = {};                   ///< When its node answered last.
  std::optional<ports::Deadline> failing = {};

  std::size_t at() const { return begins_at == core::JobEnd::source ? ends.source : ends.target; }
  std::string text() const {
    return "slots " + ends.left.to_text() + " from " + move->pod + " to " + move->target_pod;
  }
};

/// What begins it, said to members[part.at()].
core::Command begin_command(const SlotJobPart& part);
/// What ends it: no slot of it has moved then. Valkey ends all that the source gives.
core::Command end_command(const SlotJobPart& part);

/// `slots` of `source` in runs for one job each.
std::vector<core::SlotSet> parts_of(const core::SlotSet& slots, const core::Member& source);

}  // namespace kredis::plugin
