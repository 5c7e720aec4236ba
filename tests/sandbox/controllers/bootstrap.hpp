// SPDX-License-Identifier: Apache-2.0
//
// What a new cluster holds before anybody asks: namespaces, nodes, accounts, a storage class.
#pragma once

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// The label that a node's name is spread by.
inline constexpr const char* k_hostname_label = "kubernetes.io/hostname";
inline constexpr const char* k_zone_label = "topology.kubernetes.io/zone";
/// The provisioner whose storage classes make volumes by themselves.
inline constexpr const char* k_provisioner = "kubectl-redis.dev/sandbox";

/// Creates what is missing. Calling it again changes nothing.
void bootstrap(Context& context);

/// The Node object of the node of that index.
Json make_node(const ControllerOptions& options, std::size_t index, TimePoint now);

/// Gives every active namespace its default ServiceAccount and the CA's ConfigMap.
void reconcile_accounts(Context& context);

/// Empties namespaces that are being deleted and lets them go.
void reconcile_namespaces(Context& context);

}  // namespace kredis::sandbox
