// SPDX-License-Identifier: Apache-2.0
//
// Clients of nodes that leave a cluster: these go on sending what was at such a node there, for as
// long as they have not looked anew, and some ask any node that they ever heard of for the map.
#pragma once

#include <set>
#include <string>

#include "plugin/apply/conduct.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// Waits until the nodes of these pods have not sent anybody on for a second, ten seconds at most,
/// and then lets no user ask them for the map any more: a node that has been reset has an empty
/// one, and a client that takes it sends its commands anywhere. An error sends it to ask another.
/// Servers before 7.0 know neither. Errors: cancelled.
Status let_clients_go(observe::Cluster& cluster,
                      const std::set<std::string>& pods,
                      const Conduct& conduct);

/// Undoes the latter on nodes that are to join after all. Who may see CLUSTER NODES and not CLUSTER
/// SLOTS was made so by that.
void let_clients_come(observe::Cluster& cluster,
                      const std::set<std::string>& pods,
                      const Conduct& conduct);

}  // namespace kredis::plugin
