// SPDX-License-Identifier: Apache-2.0
//
// Putting the webhook into a cluster, proving that it works, and taking it out again. The API
// server is led to it last and away from it first, so that no change ever waits for nobody.
#pragma once

#include <string>
#include <vector>

#include "plugin/apply/conduct.hpp"
#include "shared/core/plans/plan.hpp"
#include "shared/json/json.hpp"
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

/// What stands at the names of the webhook's objects, looked up once.
struct WebhookSite {
  std::vector<Json> objects;
  std::vector<Json> before;  ///< Null for each that is not there.
  bool trusted = false;      ///< Whether every configuration names an authority already.
};

/// Errors: those of the API server; conflict (an object of one of these names is somebody else's).
Result<WebhookSite> look_for_webhook(ports::KubePort& kube, const manifest::WebhookSpec& spec);

/// What installs or changes it.
struct InstallPlan {
  core::Plan lead;  ///< What it runs with, its roll-out, and then the API server is led to it.
  /// After the proof: the configurations as they were asked for. Empty where somebody trusts it
  /// already; until then those of `lead` let everything pass.
  core::Plan rely;
};
InstallPlan plan_install(const manifest::WebhookSpec& spec, const WebhookSite& there);

/// Sends the API server a broken object, as a dry run, until the webhook refuses it.
/// Errors: those of the API server, timeout, cancelled.
Result<Proof> prove(ports::KubePort& kube,
                    const manifest::WebhookSpec& spec,
                    const Conduct& conduct);

/// What takes it out again, the configurations first. Empty when nothing is there.
Result<core::Plan> plan_uninstall(ports::KubePort& kube, const manifest::WebhookSpec& spec);

/// Makes a new authority and certificate, and waits until the API server trusts it.
/// Errors: not_found (it keeps none of its own), timeout, cancelled.
Status rotate_certificates(ports::KubePort& kube,
                           const std::string& namespace_,
                           const Conduct& conduct);

}  // namespace kredis::plugin
