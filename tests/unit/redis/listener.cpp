// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/redis/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace kredis::tests {

Listener::Listener(std::function<void(int)> behaviour)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ::bind(fd_, reinterpret_cast<sockaddr*>(&at), size);
  ::listen(fd_, 16);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
  port_ = ntohs(at.sin_port);
  thread_ = std::jthread([this, behaviour = std::move(behaviour)] {
    for (;;) {
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0 || stopping_) {
        ::close(client);
        return;
      }
      behaviour(client);
      ::close(client);
    }
  });
}

Listener::~Listener() {
  stopping_ = true;
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
  ::close(fd_);
}

}  // namespace kredis::tests
