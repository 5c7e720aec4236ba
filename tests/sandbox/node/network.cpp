// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <utility>

namespace kredis::sandbox {
namespace {

std::uint32_t number_of(const std::string& address) { return ntohl(::inet_addr(address.c_str())); }

std::uint16_t index_of(std::uint32_t address) {
  return static_cast<std::uint16_t>(address & 0xffffU);
}

sockaddr_in socket_address(std::uint32_t address, std::uint16_t port) {
  sockaddr_in socket{};
  socket.sin_family = AF_INET;
  socket.sin_addr.s_addr = htonl(address);
  socket.sin_port = htons(port);
  return socket;
}

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

std::vector<int> descriptors_of(pid_t process) {
  std::vector<int> numbers;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", ignored)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    const std::string name = entry.path().filename();
    int number = -1;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (target.starts_with("socket:") && number >= 0) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

}  // namespace

Network::Network(AddressPlan plan, std::filesystem::path rules_file)
    : plan_(plan), rules_file_(std::move(rules_file)) {}

Network::~Network() {
  if (rules_ != nullptr) {
    ::munmap(rules_, sizeof *rules_);
  }
}

Result<std::unique_ptr<Network>> Network::make(AddressPlan plan, std::filesystem::path rules_file) {
  std::unique_ptr<Network> network(new Network(plan, std::move(rules_file)));
  KREDIS_CHECK(network->map_rules());
  KREDIS_CHECK(network->open_sink());
  return network;
}

Status Network::map_rules() {
  const Fd file(::open(rules_file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  void* memory = MAP_FAILED;
  if (file && ::ftruncate(file.get(), sizeof *rules_) == 0) {
    memory = ::mmap(nullptr, sizeof *rules_, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  }
  if (memory == MAP_FAILED) {
    return Error::internal("cannot map " + rules_file_.string() + ": " + std::strerror(errno));
  }
  rules_ = static_cast<kredis_net_rules*>(memory);
  rules_->network = number_of(plan_.pod(0)) & 0xffff0000U;
  rules_->sink_address = rules_->network | 0xfffdU;  // 127.B.255.253
  return {};
}

// A listener with a full queue drops every further SYN, which is what a partition looks like.
Status Network::open_sink() {
  sockaddr_in address = socket_address(rules_->sink_address, 0);
  socklen_t size = sizeof address;
  sink_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(sink_.get(), generic(address), size) != 0 || ::listen(sink_.get(), 0) != 0 ||
      ::getsockname(sink_.get(), generic(address), &size) != 0) {
    return Error::internal(std::string("cannot open the sink of dropped packets: ") +
                           std::strerror(errno));
  }
  rules_->sink_port = ntohs(address.sin_port);
  for (int filler = 0; filler < 2; ++filler) {
    Fd connection(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(connection.get(), generic(std::as_const(address)), sizeof address);
    sink_queue_.push_back(std::move(connection));
  }
  return {};
}

std::string Network::take_address() {
  for (std::size_t tries = 0; tries < AddressPlan::k_pod_count; ++tries) {
    std::string address = plan_.pod(next_);
    next_ = (next_ + 1) % AddressPlan::k_pod_count;
    if (taken_.insert(address).second) {
      return address;
    }
  }
  return {};  // 48,768 pods at once: no machine gets here.
}

void Network::release_address(const std::string& address) {
  if (taken_.erase(address) > 0) {
    set_side(address, 0);
    drop_port(address, 0);
  }
}

void Network::set_side(const std::string& address, std::uint8_t side) {
  rules_->side[index_of(number_of(address))] = side;
}

void Network::drop_port(const std::string& address, std::uint16_t port) {
  rules_->dropped_port[index_of(number_of(address))] = port;
}

bool Network::can_talk(const std::string& one, const std::string& other) const {
  return !forbids(number_of(one), number_of(other), 0);
}

bool Network::forbids(std::uint32_t from, std::uint32_t to, std::uint16_t to_port) const {
  const auto inside = [&](std::uint32_t address) {
    return (address & 0xffff0000U) == rules_->network;
  };
  if (!inside(from) || !inside(to)) {
    return false;
  }
  const std::uint16_t dropped = rules_->dropped_port[index_of(to)];
  return rules_->side[index_of(from)] != rules_->side[index_of(to)] ||
         (dropped != 0 && dropped == to_port);
}

void Network::cut(const std::vector<pid_t>& processes) const {
  for (const pid_t process : processes) {
    cut_one(process);
    cut(children_of(process));
  }
}

// Connections that were sent to the sink end too: once the partition is healed their owners should
// try again rather than wait for a packet that will never be answered.
void Network::cut_one(pid_t process) const {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle) {
    return;
  }
  for (const int number : descriptors_of(process)) {
    const Fd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, handle.get(), number, 0)));
    sockaddr_in own{};
    sockaddr_in peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    if (!socket || ::getsockname(socket.get(), generic(own), &own_size) != 0 ||
        own.sin_family != AF_INET) {
      continue;
    }
    if (::getpeername(socket.get(), generic(peer), &peer_size) != 0) {
      // Not connected: a listener, which this leaves alone, or one that is still connecting.
      int listens = 0;
      socklen_t size = sizeof listens;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
      if (listens == 0) {
        ::shutdown(socket.get(), SHUT_RDWR);
      }
      continue;
    }
    const std::uint32_t from = ntohl(own.sin_addr.s_addr);
    const std::uint32_t to = ntohl(peer.sin_addr.s_addr);
    if (forbids(from, to, ntohs(peer.sin_port)) || forbids(to, from, ntohs(own.sin_port))) {
      ::shutdown(socket.get(), SHUT_RDWR);
    }
  }
}

}  // namespace kredis::sandbox
