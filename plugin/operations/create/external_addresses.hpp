// SPDX-License-Identifier: Apache-2.0
//
// Telling the pods of `create --external` what their Services were given.
#pragma once

#include "plugin/apply/conduct.hpp"
#include "shared/manifest/cluster_spec.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Waits until every pod's Service has its address and ports and applies the ConfigMap that says
/// so, which the pods wait for. Does nothing without --external. Errors: timeout (names the
/// Services that have none), those of the server.
Status announce_external(ports::KubePort& kube,
                         const manifest::ClusterSpec& spec,
                         const Conduct& conduct);

}  // namespace kredis::plugin
