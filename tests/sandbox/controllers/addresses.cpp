// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/addresses.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace kredis::sandbox {
namespace {

constexpr int k_first_block = 16;
constexpr int k_last_block = 239;
constexpr std::size_t k_hosts = 254;  // Usable last octets, 1 to 254.
constexpr in_port_t k_lease_port = 10'256;

std::string numbered(int block, std::size_t first_third_octet, std::size_t index) {
  return "127." + std::to_string(block) + "." +
         std::to_string(first_third_octet + index / k_hosts) + "." +
         std::to_string(index % k_hosts + 1);
}

/// A listening socket on 127.BLOCK.255.254, or -1 when another sandbox has it.
int try_block(int block) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(k_lease_port);
  const std::string text = "127." + std::to_string(block) + ".255.254";
  ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  // Without SO_REUSEADDR on purpose: the bind itself is the lock.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd, 1) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

}  // namespace

std::string AddressPlan::node(std::size_t index) const { return numbered(block, 250, index); }
std::string AddressPlan::service(std::size_t index) const { return numbered(block, 192, index); }
std::string AddressPlan::pod(std::size_t index) const { return numbered(block, 0, index); }
std::string AddressPlan::load_balancer(std::size_t index) const {
  return numbered(block, 224, index);
}

Result<AddressLease> AddressLease::take() {
  for (int block = k_first_block; block <= k_last_block; ++block) {
    if (const int fd = try_block(block); fd >= 0) {
      return AddressLease(fd, AddressPlan{block});
    }
  }
  return Error::unreachable("every address block in 127.0.0.0/8 is in use by another sandbox")
      .with_hint("end the sandboxes that still run: sandbox down");
}

AddressLease::AddressLease(AddressLease&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), plan_(other.plan_) {}

AddressLease& AddressLease::operator=(AddressLease&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(plan_, other.plan_);
  return *this;
}

AddressLease::~AddressLease() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

}  // namespace kredis::sandbox
