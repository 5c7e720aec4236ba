// SPDX-License-Identifier: Apache-2.0
//
// Calls an admission webhook over TLS: by URL, or by Service, whose endpoints are looked up in the
// store as a cluster's network would.
#pragma once

#include <chrono>
#include <string>

#include "tests/sandbox/store.hpp"

namespace kredis::sandbox::api {

class WebhookClient {
 public:
  explicit WebhookClient(const Store& store) : store_(store) {}

  /// Posts a review to a webhook's `clientConfig` and gives its answer.
  /// Errors: unreachable, timeout, protocol; the texts are those of Go's HTTP client.
  Result<Json> post(const Json& client_config,
                    const Json& review,
                    std::chrono::milliseconds at_most) const;

 private:
  const Store& store_;
};

}  // namespace kredis::sandbox::api
