// SPDX-License-Identifier: Apache-2.0
//
// Where clients connect, read from a list of Services.
#pragma once

#include <vector>

#include "shared/core/cluster_view.hpp"
#include "shared/json/json.hpp"

namespace kredis::wire {

/// The Services, of a list of Service objects, that lead to Redis in pods of `view`: those for all
/// pods first, those with an address of their own before headless ones.
std::vector<core::ClientService> client_services(const Json& services,
                                                 const core::ClusterView& view);

}  // namespace kredis::wire
