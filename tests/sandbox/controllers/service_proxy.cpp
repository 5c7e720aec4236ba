// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/service_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string_view>
#include <utility>

#include "tests/sandbox/node/loop.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_buffer_bytes = 64 * 1024;

sockaddr_in to_native(const SocketAddress& address) {
  sockaddr_in native{};
  native.sin_family = AF_INET;
  native.sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.address.c_str(), &native.sin_addr);
  return native;
}

Fd tcp_socket() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

Fd listen_on(const SocketAddress& address) {
  Fd fd = tcp_socket();
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in native = to_native(address);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
  const auto* where = reinterpret_cast<const sockaddr*>(&native);
  if (::bind(fd.get(), where, sizeof native) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    return {};
  }
  return fd;
}

Fd connect_to(const SocketAddress& address) {
  Fd fd = tcp_socket();
  const sockaddr_in native = to_native(address);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
  const auto* where = reinterpret_cast<const sockaddr*>(&native);
  if (::connect(fd.get(), where, sizeof native) != 0 && errno != EINPROGRESS) {
    return {};
  }
  return fd;
}

Fd copy_of(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

/// Bytes on their way from one socket to another. Reads only once all it holds is written, so a
/// slow reader slows its writer down.
class Pump {
 public:
  enum class End { orderly, broken };

  Pump(Loop& loop, Fd from, Fd to, std::function<void(End)> on_end)
      : loop_(loop), from_(std::move(from)), to_(std::move(to)), on_end_(std::move(on_end)) {
    wait_for_bytes();
  }
  ~Pump() {
    loop_.forget(from_.get());
    loop_.forget(to_.get());
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

 private:
  void wait_for_bytes() {
    loop_.forget(to_.get());
    loop_.watch(from_.get(), [this] { read_some(); });
  }

  void read_some() {
    const ssize_t count = ::read(from_.get(), buffer_.data(), buffer_.size());
    if (count > 0) {
      rest_ = std::string_view(buffer_.data(), static_cast<std::size_t>(count));
      write_rest();
    } else if (count == 0) {
      ::shutdown(to_.get(), SHUT_WR);
      end(End::orderly);
    } else if (errno != EAGAIN && errno != EINTR) {
      end(End::broken);
    }
  }

  void write_rest() {
    const ssize_t count = ::send(to_.get(), rest_.data(), rest_.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      end(End::broken);
      return;
    }
    rest_.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (!rest_.empty() && !paused_) {
      paused_ = true;
      loop_.forget(from_.get());
      loop_.watch_writable(to_.get(), [this] { write_rest(); });
    } else if (rest_.empty() && paused_) {
      paused_ = false;
      wait_for_bytes();
    }
  }

  void end(End how) {
    loop_.forget(from_.get());
    loop_.forget(to_.get());
    // The owner may destroy this pump: nothing of it may be used afterwards.
    const auto on_end = on_end_;
    on_end(how);
  }

  Loop& loop_;
  Fd from_;
  Fd to_;
  std::function<void(End)> on_end_;
  std::array<char, k_buffer_bytes> buffer_{};
  std::string_view rest_;
  bool paused_ = false;
};

/// One connection and its counterpart.
struct Relay {
  Fd client;
  Fd server;
  std::unique_ptr<Pump> upstream;
  std::unique_ptr<Pump> downstream;
  int open_directions = 2;
};

}  // namespace

struct ServiceProxy::State {
  Loop loop;
  Routes routes;
  std::map<SocketAddress, Fd> listeners;
  std::map<SocketAddress, std::size_t> turns;
  std::map<int, std::unique_ptr<Relay>> relays;  // By the client's descriptor.

  void apply(Routes wanted) {
    routes = std::move(wanted);
    std::erase_if(listeners, [&](const auto& listener) {
      const bool gone = !routes.contains(listener.first);
      if (gone) {
        loop.forget(listener.second.get());
      }
      return gone;
    });
    for (const auto& route : routes) {
      const SocketAddress& address = route.first;
      if (listeners.contains(address)) {
        continue;
      }
      if (Fd fd = listen_on(address)) {
        loop.watch(fd.get(), [this, address] { accept_on(address); });
        listeners[address] = std::move(fd);
      }
    }
  }

  void accept_on(const SocketAddress& address) {
    Fd client(::accept4(listeners[address].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
      return;
    }
    const auto& targets = routes[address];
    Fd server = connect_to(targets[turns[address]++ % targets.size()]);
    if (!server) {
      return;
    }
    auto relay = std::make_unique<Relay>();
    const int id = client.get();
    const int server_fd = server.get();
    relay->client = std::move(client);
    relay->server = std::move(server);
    relays[id] = std::move(relay);
    loop.watch_writable(server_fd, [this, id] { connected(id); });
  }

  void connected(int id) {
    Relay& relay = *relays.at(id);
    loop.forget(relay.server.get());
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(relay.server.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) {
      relays.erase(id);
      return;
    }
    // A descriptor can be watched for one thing only, so each direction has its own pair.
    const auto ended = [this, id](Pump::End how) { direction_ended(id, how); };
    relay.upstream =
        std::make_unique<Pump>(loop, copy_of(relay.client), copy_of(relay.server), ended);
    relay.downstream =
        std::make_unique<Pump>(loop, copy_of(relay.server), copy_of(relay.client), ended);
  }

  void direction_ended(int id, Pump::End how) {
    const auto found = relays.find(id);
    if (found == relays.end()) {
      return;
    }
    if (how == Pump::End::broken || --found->second->open_directions == 0) {
      relays.erase(found);
    }
  }
};

ServiceProxy::ServiceProxy() : state_(std::make_unique<State>()) { state_->loop.start(); }

ServiceProxy::~ServiceProxy() {
  state_->loop.call([this] {
    state_->relays.clear();
    state_->apply({});
  });
  state_->loop.stop();
}

void ServiceProxy::set_routes(Routes routes) {
  state_->loop.post([this, moved = std::move(routes)] {
    if (moved != state_->routes) {
      state_->apply(moved);
    }
  });
}

}  // namespace kredis::sandbox
