// SPDX-License-Identifier: Apache-2.0
//
// The addresses of services. When a service gets which is the API server's business (its service
// allocator); traffic is the service proxy's.
#pragma once

#include <mutex>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Hands out ClusterIPs.
///
/// Threads: any; two callers never get the same, even before either service is stored.
class ServiceAddresses {
 public:
  ServiceAddresses(const Store& store, AddressPlan plan) : store_(store), plan_(plan) {}
  /// An address that no service has; empty when all are taken.
  std::string next();

 private:
  const Store& store_;
  AddressPlan plan_;
  std::mutex mutex_;
  std::size_t last_ = 0;  // The API server's own. Each search goes on where the last one ended.
};

/// Gives every Service of type LoadBalancer its ingress address.
void reconcile_services(Context& context);

}  // namespace kredis::sandbox
