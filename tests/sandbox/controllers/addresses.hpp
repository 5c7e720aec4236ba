// SPDX-License-Identifier: Apache-2.0
//
// Which address is whose. Each running sandbox owns one block 127.B.0.0/16, so that several run
// side by side on a machine; inside it nodes, services and pods have ranges of their own.
#pragma once

#include <cstddef>
#include <string>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

struct AddressPlan {
  int block = 77;  ///< The second octet, 16 to 239.

  /// 127.B.250.1 and on, for the node of that index (counted from 0; at most 1,000).
  std::string node(std::size_t index) const;
  /// 127.B.192.1 to 127.B.223.254: ClusterIPs.
  std::string service(std::size_t index) const;
  /// 127.B.224.1 and on: what Services of type LoadBalancer get.
  std::string load_balancer(std::size_t index) const;
  /// 127.B.0.1 to 127.B.191.254: pods.
  std::string pod(std::size_t index) const;

  static constexpr std::size_t k_service_count = 8'128;
  static constexpr std::size_t k_pod_count = 48'768;
};

/// Holds a block for as long as it lives, by a listening socket in it.
class AddressLease {
 public:
  /// Takes the first free block. Errors: unreachable when all are taken.
  static Result<AddressLease> take();
  AddressLease(AddressLease&& other) noexcept;
  AddressLease& operator=(AddressLease&& other) noexcept;
  ~AddressLease();

  const AddressPlan& plan() const noexcept { return plan_; }

 private:
  AddressLease(int fd, AddressPlan plan) noexcept : fd_(fd), plan_(plan) {}
  int fd_;
  AddressPlan plan_;
};

}  // namespace kredis::sandbox
