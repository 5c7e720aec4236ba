// SPDX-License-Identifier: Apache-2.0
//
// kube-proxy's part: listens where services are reached and passes connections on to their pods,
// each to the next one in turn. One thread, however many connections.
#pragma once

#include <memory>

#include "tests/sandbox/controllers/routes.hpp"

namespace kredis::sandbox {

/// Threads: `set_routes` from any.
class ServiceProxy {
 public:
  ServiceProxy();
  ~ServiceProxy();
  ServiceProxy(const ServiceProxy&) = delete;
  ServiceProxy& operator=(const ServiceProxy&) = delete;

  /// Listens for these from now on. Connections that stand are left alone, as kube-proxy does; an
  /// address that cannot be listened on (a port below 1024 without root) is left out.
  void set_routes(Routes routes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kredis::sandbox
