// SPDX-License-Identifier: Apache-2.0
//
// Everything that the webhook is made of in Kubernetes. `webhook install` applies these objects,
// `webhook manifests` prints them, and the files of deploy/ are printed from them too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/json/json.hpp"

namespace kredis::manifest {

inline constexpr std::string_view k_webhook_name = "kubectl-redis-webhook";
inline constexpr std::string_view k_webhook_namespace = "kubectl-redis-system";
inline constexpr std::string_view k_webhook_secret = "kubectl-redis-webhook-tls";
inline constexpr std::string_view k_webhook_image = "kubectl-redis-webhook";
/// What refuses: names the webhook in the API server's messages.
inline constexpr std::string_view k_validating_webhook = "validate.kubectl-redis.dev";
inline constexpr std::string_view k_mutating_webhook = "mutate.kubectl-redis.dev";
inline constexpr std::string_view k_webhook_selector =
    "app.kubernetes.io/name=kubectl-redis-webhook";
inline constexpr int k_webhook_port = 9443;

/// Who makes the webhook's certificate.
enum class Certificates { own, cert_manager };

struct WebhookSpec {
  std::string version;  ///< Of the product: a label, and the image's tag where none is given.
  std::string image = {};
  std::string namespace_ = std::string(k_webhook_namespace);
  int replicas = 2;
  /// What the API server does with a change that cannot be judged: "Fail" or "Ignore".
  std::string validate_failure = "Ignore";
  std::string default_level = "enforce";
  Certificates certificates = Certificates::own;
};

/// In the order in which they are to be applied; the two configurations come last.
std::vector<Json> webhook_objects(const WebhookSpec& spec);

/// Whether an object is one of the two configurations.
bool is_webhook_configuration(const Json& object);

}  // namespace kredis::manifest
