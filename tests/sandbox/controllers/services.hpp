// SPDX-License-Identifier: Apache-2.0
//
// Service addresses and node ports: who has which. Traffic is the service proxy's.
#pragma once

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Gives each Service the addresses and ports that its type asks for.
void reconcile_services(Context& context);

}  // namespace kredis::sandbox
