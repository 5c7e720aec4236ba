// SPDX-License-Identifier: Apache-2.0
//
// TCP connections and waiting on descriptors, both with a deadline. Knows nothing of Redis.
#pragma once

#include <string>

#include "shared/core/result.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/redis/unique_fd.hpp"

namespace kredis::redis {

/// Waits until `fd` is ready for one of `events` (poll's) or has failed; false when time is up.
bool wait_ready(int fd, short events, ports::Deadline deadline);

/// Makes `fd` non-blocking and closed on exec.
Status prepare_fd(int fd);

/// Opens a non-blocking connection to `host` (an address or a name) and `port`. Tries every address
/// of a name in turn. `who` is for messages.
/// Errors: unreachable (refused, no route, unknown name), timeout.
Result<UniqueFd> dial(const std::string& host,
                      int port,
                      const std::string& who,
                      ports::Deadline deadline);

}  // namespace kredis::redis
