// SPDX-License-Identifier: Apache-2.0
//
// The webhook's life: certificates, watches and the server brought up, kept going, and ended
// without losing what is in flight.
#pragma once

#include "shared/core/result.hpp"
#include "webhook/config.hpp"
#include "webhook/log.hpp"

namespace kredis::webhook {

/// Runs until SIGTERM or SIGINT. Requires: both are blocked in every thread.
/// Errors: what keeps it from starting.
Status run_service(const Config& config, Log& log);

}  // namespace kredis::webhook
