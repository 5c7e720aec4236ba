// SPDX-License-Identifier: Apache-2.0
//
// Putting the webhook into a cluster, proving that it works, and taking it out again. The API
// server is led to it last and away from it first, so that no change ever waits for nobody.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/apply_objects.hpp"
#include "plugin/apply/resource_path.hpp"
#include "plugin/terminal/progress.hpp"
#include "shared/manifest/webhook_objects.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// An object that every Redis Cluster's rules refuse, for the proof.
Json broken_object(const std::string& namespace_);

/// What the proof said, or why there could be none.
struct Proof {
  bool refused = false;
  std::string text = {};
};

/// Applies everything and waits until it works. Errors: those of the API server; conflict (an
/// object of one of these names is somebody else's); timeout.
Result<Proof> install_webhook(ports::KubePort& kube,
                              const manifest::WebhookSpec& spec,
                              ports::Deadline deadline,
                              Progress& progress);

/// Lets the server try all objects without keeping them.
Result<std::vector<Applied>> try_install(ports::KubePort& kube,
                                         const manifest::WebhookSpec& spec,
                                         Progress& progress);

/// What is there to remove, in the order of removal.
Result<std::vector<ObjectName>> plan_uninstall(ports::KubePort& kube,
                                               const manifest::WebhookSpec& spec);

/// Errors: those of the API server; timeout while the namespace goes.
Status uninstall_webhook(ports::KubePort& kube,
                         const std::vector<ObjectName>& objects,
                         ports::DryRun dry_run,
                         ports::Deadline deadline,
                         Progress& progress);

/// Asks the replicas for a new authority and waits until the API server trusts it.
/// Errors: not_found (no certificates of its own), timeout.
Status rotate_certificates(ports::KubePort& kube,
                           const std::string& namespace_,
                           ports::Deadline deadline,
                           Progress& progress);

}  // namespace kredis::plugin
