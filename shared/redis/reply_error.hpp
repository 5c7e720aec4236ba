// SPDX-License-Identifier: Apache-2.0
//
// Redis's error replies as Errors that a user can act on.
#pragma once

#include <string>

#include "shared/core/error.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::redis {

/// Turns an error reply of `who`, spoken to as `user` (empty: `default`), into an Error.
/// Errors: unauthorized (NOAUTH, WRONGPASS, NOPERM, DENIED), unreachable (LOADING, too many
/// clients), unsafe (NOREPLICAS, OOM), protocol (the rest).
Error error_of(const core::Reply& reply, const std::string& who, const std::string& user = {});

/// The same for what `source` answered to a MIGRATE: what `target` refused is told as its answer.
/// Errors: those of error_of, and unreachable (IOERR: the two lost each other).
/// https://redis.io/docs/latest/commands/migrate/
Error migrate_error_of(const core::Reply& reply,
                       const std::string& source,
                       const std::string& target);

}  // namespace kredis::redis
