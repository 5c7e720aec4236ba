// SPDX-License-Identifier: Apache-2.0
//
// What there is of the webhook in a cluster and what its replicas say of themselves, as values and
// as the report that docs/webhook.md describes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/json/json.hpp"
#include "shared/wire/metrics_text.hpp"

namespace kredis::wire {

/// One pod of the webhook. What its metrics do not tell is absent.
struct WebhookReplica {
  std::string pod;
  std::string node = {};
  bool ready = false;
  std::string trouble = {};  ///< Why it is not ready, or cannot be asked.
  std::string version = {};
  std::optional<double> view_age = {};  ///< Seconds since it last heard of every kind.
  std::optional<std::int64_t> certificate_from = {};  ///< Seconds since 1970, as the next two.
  std::optional<std::int64_t> certificate_until = {};
  std::optional<std::int64_t> authority_until = {};
  double reviews = 0;
  double refused = 0;
  std::vector<Sample> samples = {};
};

struct WebhookConfiguration {
  std::string kind;  ///< MutatingWebhookConfiguration or ValidatingWebhookConfiguration.
  std::string failure_policy = {};
  bool present = false;
  bool trusted = false;  ///< Whether it names an authority.
};

struct WebhookView {
  std::string namespace_;
  bool installed = false;
  std::string image = {};
  int wanted = 0;
  std::vector<WebhookReplica> replicas = {};
  std::vector<WebhookConfiguration> configurations = {};

  /// Objections by rule, over all replicas since their start.
  std::map<std::string, double> objections() const;
  /// Upper bound of how long reviews took, over all replicas. Units: seconds.
  std::optional<double> latency(double quantile) const;
  /// What is wrong, in a line each; empty when all is well.
  std::vector<std::string> findings() const;
};

/// Reads the samples of one replica's /metrics into it. Pure.
void take_metrics(WebhookReplica& replica, const std::string& text);

/// kind WebhookStatus.
Json webhook_report(const WebhookView& view);

}  // namespace kredis::wire
