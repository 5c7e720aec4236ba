// SPDX-License-Identifier: Apache-2.0
//
// How a drill takes a master away: its pod is deleted, or its Redis hangs for a while.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::plugin {

class Strike {
 public:
  virtual ~Strike() = default;
  /// Takes the master away. Errors: those of the port; then nothing happened.
  virtual Status deliver() = 0;
  /// What still goes on of it; empty once the master may come back.
  virtual std::string lasts() = 0;
};

/// Deletes the pod that has that uid.
std::unique_ptr<Strike> strike_by_deleting(ports::KubePort& kube,
                                           const std::string& namespace_,
                                           const std::string& pod,
                                           const std::string& uid);

/// Makes the Redis of `target` hang for twice the time after which the others give it up: a script
/// that only looks at the clock, which any image has. Its connections stay open and its cluster bus
/// is silent, as when a machine freezes. Ends by itself, whatever becomes of this program.
/// Errors: those of the connection; unsafe (the user may not run scripts or change the limit on
/// them, or scripts see no clock).
Result<std::unique_ptr<Strike>> strike_by_freezing(ports::RedisPort& redis,
                                                   const ports::RedisTarget& target,
                                                   ports::Deadline deadline);

}  // namespace kredis::plugin
