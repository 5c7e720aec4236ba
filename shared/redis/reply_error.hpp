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
/// clients), protocol (the rest).
Error error_of(const core::Reply& reply, const std::string& who, const std::string& user = {});

}  // namespace kredis::redis
