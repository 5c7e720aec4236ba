// SPDX-License-Identifier: Apache-2.0
//
// What the product needs of one Redis node: a connection that answers commands before a deadline.
// shared/redis implements it over hiredis; tests fake it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/core/reply.hpp"
#include "shared/core/result.hpp"
#include "shared/ports/clock.hpp"

namespace kredis::ports {

/// Threads: one thread at a time. After an error of code timeout, unreachable or protocol the
/// connection is dead and every further call fails.
class RedisConnection {
 public:
  virtual ~RedisConnection() = default;
  /// Sends all commands in one write and reads all replies. An error *reply* is a Reply, not an
  /// Error. Never sends anything twice.
  virtual Result<std::vector<core::Reply>> pipeline(const std::vector<core::Command>& commands,
                                                    Deadline deadline) = 0;
};

/// Where a node is reached: a pod by tunnel, or an address directly.
struct RedisTarget {
  std::string namespace_ = {};
  std::string pod = {};   ///< For messages, and for the tunnel.
  std::string host = {};  ///< Pod address, for a direct connection and the announced identity.
  int port = 6379;
};

class RedisPort {
 public:
  virtual ~RedisPort() = default;
  /// Opens, speaks TLS and authenticates as configured.
  /// Errors: unreachable, timeout, unauthorized (wrong password, names the user), protocol (TLS to
  /// a plain port or the reverse, said so).
  virtual Result<std::unique_ptr<RedisConnection>> connect(const RedisTarget& target,
                                                           Deadline deadline) = 0;
  /// The words by which one server logs in to another in MIGRATE: AUTH or AUTH2 and what follows;
  /// none where there is no password.
  virtual core::Command login() const { return {}; }
};

}  // namespace kredis::ports
