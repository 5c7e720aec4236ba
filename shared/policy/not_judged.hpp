// SPDX-License-Identifier: Apache-2.0
//
// What rules say nothing of although it may be part of a Redis Cluster, and why: so that silence is
// not taken for praise.
#pragma once

#include <string>

#include "shared/policy/review.hpp"

namespace kredis::policy {

/// One object that was not judged.
struct Silence {
  std::string because = {};  ///< Empty for what is judged, or has nothing to do with Redis.
  std::string path = {};     ///< What of it is meant, as a JSON pointer.
  bool broken = false;       ///< The object is no object at all, as it is written.
};

Silence silence_on(const Json& object, const Surroundings& around);

}  // namespace kredis::policy
