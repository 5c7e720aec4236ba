// SPDX-License-Identifier: Apache-2.0
//
// What one seed means: a cluster, what somebody wants of it, what goes wrong meanwhile; and what
// became of it.
#pragma once

#include <cstdint>
#include <string>

namespace kredis::model {

enum class Telling { no, yes };

struct Outcome {
  std::string verb = {};
  std::string wrong = {};  ///< Empty: all is as it has to be.
  std::uint64_t hash = 0;  ///< Of all that happened, in its order.
  int runs = 0;            ///< Of the command, until it succeeded.
  std::uint64_t calls = 0;
};

/// Runs it to its end. The same seed gives the same hash.
Outcome run_scenario(std::uint64_t seed, Telling telling);

}  // namespace kredis::model
