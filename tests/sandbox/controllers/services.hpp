// SPDX-License-Identifier: Apache-2.0
//
// Service addresses and node ports: who has which. Traffic is the service proxy's.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Gives a Service the addresses and node ports that its type asks for and that it lacks. The API
/// server calls it for each new one; `reconcile_services` for what came another way.
///
/// Threads: from any; two services never get the same, even before either is stored.
class ServiceAddresses {
 public:
  ServiceAddresses(const Store& store, AddressPlan plan) : store_(store), plan_(plan) {}
  void allocate(Json& service);

 private:
  struct Taken;
  Taken taken() const;
  std::string free_address(Taken& taken);
  std::int64_t free_node_port(Taken& taken);

  const Store& store_;
  AddressPlan plan_;
  std::mutex mutex_;
  // Each search goes on where the last one ended.
  std::size_t next_address_ = 0;
  std::int64_t next_node_port_ = 0;
};

/// Sees to it that every Service has its addresses, and a LoadBalancer its ingress.
void reconcile_services(Context& context, ServiceAddresses& addresses);

}  // namespace kredis::sandbox
