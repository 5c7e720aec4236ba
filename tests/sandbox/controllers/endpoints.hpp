// SPDX-License-Identifier: Apache-2.0
//
// Which pods stand behind a Service: Endpoints and EndpointSlices.
#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// A pod behind a service, with the ports the service's target ports mean in it.
struct Backend {
  Object pod;
  bool ready;  ///< As the service sees it: publishNotReadyAddresses counts every pod as ready.
  Json ports;  ///< [{name, port, protocol}]
  /// Its name under the service when it has one ("redis-app-0"), else empty.
  std::string hostname;
};

/// Pure. Pods that the service's selector means and that have an address.
std::vector<Backend> backends_of(const Json& service, const Objects& pods);

/// Pure. The v1 Endpoints object.
Json make_endpoints(const Json& service, const std::vector<Backend>& backends);

/// Pure. One EndpointSlice with all backends; the sandbox needs no second.
Json make_endpoint_slice(const Json& service,
                         const std::vector<Backend>& backends,
                         const Objects& nodes);

void reconcile_endpoints(Context& context);

}  // namespace kredis::sandbox
