// SPDX-License-Identifier: Apache-2.0
//
// What there is of the webhook in a cluster, and what its replicas say of themselves.
#pragma once

#include <string>

#include "shared/ports/kube_port.hpp"
#include "shared/wire/webhook_report.hpp"

namespace kredis::plugin {

/// Looks, and asks each ready replica. A replica that does not answer is part of the view.
/// Errors: those of the API server.
Result<wire::WebhookView> view_webhook(ports::KubePort& kube,
                                       const std::string& namespace_,
                                       ports::Deadline deadline);

/// The PEM bundle of the first configuration that has one; empty without.
Result<std::string> trusted_bundle(ports::KubePort& kube);

}  // namespace kredis::plugin
