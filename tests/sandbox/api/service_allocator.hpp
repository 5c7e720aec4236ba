// SPDX-License-Identifier: Apache-2.0
//
// What a Service gets from the cluster when it is made: an address and node ports.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "tests/sandbox/store.hpp"

namespace kredis::sandbox::api {

/// Threads: any.
class ServiceAllocator {
 public:
  /// `next_address` gives free addresses; without it Services keep none.
  ServiceAllocator(const Store& store, std::function<std::string()> next_address)
      : store_(store), next_address_(std::move(next_address)) {}

  /// Fills in clusterIP, clusterIPs and node ports where they are missing.
  void fill_in(Json& service);

 private:
  int free_node_port();

  const Store& store_;
  std::function<std::string()> next_address_;
  std::mutex mutex_;
  int last_node_port_ = 0;
};

}  // namespace kredis::sandbox::api
