// SPDX-License-Identifier: Apache-2.0
//
// What every verb that moves slots can be told about how they move.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "plugin/apply/move_pace.hpp"
#include "plugin/commands/verb.hpp"
#include "shared/core/plans/move_way.hpp"
#include "shared/core/result.hpp"

namespace kredis::plugin {

struct MoveFlags {
  std::chrono::microseconds max_latency = std::chrono::milliseconds(5);
  std::string bandwidth = {};
  std::optional<core::MoveWay> how = {};
  std::set<std::string> given = {};  ///< The names of the verb's flags that were given.
};

/// --max-latency, --bandwidth and --how.
void add_move_flags(Verb& verb, MoveFlags& flags);

/// Errors: invalid_argument.
Result<MoveLimits> limits_of(const MoveFlags& flags);

/// The servers' own moves know no bounds: who asks for one asks for the classic way.
core::WayWish way_of(const MoveFlags& flags);

}  // namespace kredis::plugin
