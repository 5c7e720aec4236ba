// SPDX-License-Identifier: Apache-2.0
//
// What clients outside the cluster's network reach each node by: a Service a pod, and the ConfigMap
// that tells the pods what the Services were given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace kredis::manifest {

/// One Service for each pod of the StatefulSet, by the pod's name. Empty without --external.
std::vector<Json> external_services(const ClusterSpec& spec);

/// What one pod announces. A NodePort is reached at the address of the pod's node, which only the
/// pod knows: `address` is "node" then.
struct ExternalAddress {
  std::string pod = {};
  std::string address = {};
  int port = 0;
  int bus_port = 0;
  friend bool operator==(const ExternalAddress&, const ExternalAddress&) = default;
};

/// Reads what the server and the cloud gave a Service; nothing while an address or a port is
/// missing.
std::optional<ExternalAddress> external_address(const Json& service);

/// The ConfigMap NAME-external: a line for each pod, which start.sh reads.
Json external_map(const ClusterSpec& spec, const std::vector<ExternalAddress>& addresses);

}  // namespace kredis::manifest
