// SPDX-License-Identifier: Apache-2.0
//
// How the webhook is told what to do: flags, and for each flag a variable of the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "webhook/decision.hpp"
#include "webhook/log.hpp"

namespace kredis::webhook {

struct Config {
  std::string address = "0.0.0.0";
  std::uint16_t port = 9443;
  /// Mounted certificate and key; when empty, the webhook makes its own.
  std::string certificate_file = {};
  std::string key_file = {};
  /// Where its own certificates live, and the names they are for.
  std::string namespace_name = "kubectl-redis-system";
  std::string service = "kubectl-redis-webhook";
  std::string secret = "kubectl-redis-webhook-tls";
  std::string configuration = "kubectl-redis-webhook";
  /// Days until a certificate of its own ends.
  std::chrono::seconds authority_life = std::chrono::hours(24 * 365);
  std::chrono::seconds certificate_life = std::chrono::hours(24 * 90);
  Level default_level = Level::enforce;
  LogLevel log_level = LogLevel::info;
  unsigned threads = 2;
  /// From SIGTERM until no new connection is taken: the time in which a Service forgets a pod.
  std::chrono::seconds drain_wait{5};
  std::string kubeconfig = {};
  /// Watches the cluster, so that rules see an object's ConfigMap and Service.
  bool watches = true;
  /// Between two looks at all clusters, for guards; 0 turns guards off.
  std::chrono::seconds poll_interval{5};

  bool is_self_managed() const { return certificate_file.empty(); }
};

/// Reads "--listen 0.0.0.0:9443", "--listen=..." or KREDIS_WEBHOOK_LISTEN; a flag wins, an empty
/// variable says nothing. Errors: invalid_argument with every mistake, a line each.
Result<Config> read_config(const std::vector<std::string>& arguments);

/// What `--help` prints.
std::string usage_text();

}  // namespace kredis::webhook
