// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shared/core/result.hpp"

namespace kredis::plugin {

/// What ends a step of a verb that goes on from a new look: a node refused, as somebody was
/// quicker, or it just went away, or its pod did. What comes again and again is no surprise any
/// more.
class Surprises {
 public:
  /// Counts `done`, and fails with it where no new look is worth it any more.
  Status judge(const Status& done) {
    in_a_row_ = done ? 0 : in_a_row_ + 1;
    return done || (is_passing(done.error().code) && in_a_row_ < k_most) ? Status() : done;
  }

 private:
  static constexpr int k_most = 5;

  static bool is_passing(ErrorCode code) {
    return code == ErrorCode::conflict || code == ErrorCode::unreachable ||
           code == ErrorCode::not_found;
  }

  int in_a_row_ = 0;
};

}  // namespace kredis::plugin
