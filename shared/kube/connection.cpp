// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "shared/kube/encoding.hpp"
#include "shared/kube/http.hpp"
#include "shared/system/posix.hpp"

namespace kredis::kube {
namespace {

/// Milliseconds for poll: at most an hour at a time, never negative.
int poll_timeout(Deadline deadline) {
  const auto now = Clock::now();
  if (deadline <= now) {
    return 0;
  }
  const auto capped = std::min<Clock::duration>(deadline - now, std::chrono::hours(1));
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(capped).count());
}

struct Address {
  sockaddr_storage storage;
  socklen_t size;
};

struct Lookup {
  std::mutex mutex;
  std::condition_variable finished;
  bool is_done = false;
  int code = 0;
  std::vector<Address> addresses;
};

void look_up(const std::string& host, std::uint16_t port, int flags, Lookup& lookup) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::lock_guard lock(lookup.mutex);
  lookup.code = code;
  for (const addrinfo* each = code == 0 ? found : nullptr; each != nullptr; each = each->ai_next) {
    Address address{{}, each->ai_addrlen};
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    lookup.addresses.push_back(address);
  }
  if (code == 0) {
    ::freeaddrinfo(found);
  }
  lookup.is_done = true;
  lookup.finished.notify_all();
}

/// getaddrinfo cannot be stopped, so a name is looked up by a thread that may be left behind.
Result<std::vector<Address>> resolve(const Url& url,
                                     const std::string& label,
                                     Deadline deadline,
                                     const Interrupt& interrupt) {
  const auto lookup = std::make_shared<Lookup>();
  look_up(url.host, url.port, AI_NUMERICHOST, *lookup);
  if (lookup->code == 0) {
    return lookup->addresses;
  }
  lookup->is_done = false;
  std::thread([lookup, host = url.host, port = url.port] {
    look_up(host, port, 0, *lookup);
  }).detach();
  std::unique_lock lock(lookup->mutex);
  while (!lookup->is_done) {
    if (interrupt.raised()) {
      return interrupted();
    }
    if (Clock::now() >= deadline) {
      return Error::timeout("looking up the name '" + url.host + "' took too long")
          .with_hint("check this machine's DNS");
    }
    lookup->finished.wait_for(lock, std::chrono::milliseconds(20));
  }
  if (lookup->code != 0) {
    return Error::unreachable("cannot reach " + label + ": no address for the name '" + url.host +
                              "' (" + ::gai_strerror(lookup->code) + ")")
        .with_hint("check the server's address in the kubeconfig, and this machine's DNS or VPN");
  }
  return lookup->addresses;
}

Error connect_error(const std::string& label, int code) {
  const std::string reason = std::strerror(code);  // NOLINT(concurrency-mt-unsafe)
  const Error error = Error::unreachable("cannot reach " + label + ": " + reason);
  if (code == ECONNREFUSED) {
    return error.with_hint("nothing listens there: is the cluster up, and the port right?");
  }
  return error.with_hint("check the network, and the server's address in the kubeconfig");
}

void tune(int fd) {
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that vanished without a word is noticed within a minute.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef __APPLE__
  set(IPPROTO_TCP, TCP_KEEPALIVE, 20);
#else
  set(IPPROTO_TCP, TCP_KEEPIDLE, 20);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
#endif
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Result<Socket> connect_one(const Address& address,
                           const std::string& label,
                           Deadline deadline,
                           const Interrupt& interrupt) {
  Socket socket(ports::open_socket(address.storage.ss_family, SOCK_STREAM, 0, ports::Blocking::no));
  if (socket.fd() < 0) {
    return connect_error(label, errno);
  }
  tune(socket.fd());
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.fd(), raw, address.size) != 0 && errno != EINPROGRESS) {
    return connect_error(label, errno);
  }
  if (const auto ready = wait_ready(socket.fd(), POLLOUT, deadline, interrupt); !ready) {
    return interrupt.raised() ? ready.error()
                              : Error::timeout("no answer from " + label + " in time")
                                    .with_hint("check the network, a firewall or a VPN");
  }
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) {
    return connect_error(label, code);
  }
  return socket;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Socket::Socket(Socket&& other) noexcept : fd_(other.release()) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

int Socket::release() noexcept { return std::exchange(fd_, -1); }

Status wait_ready(int fd, short events, Deadline deadline, const Interrupt& interrupt) {
  while (true) {
    std::array<pollfd, 2> waiting{pollfd{fd, events, 0}, pollfd{interrupt.fd(), POLLIN, 0}};
    const int ready = ::poll(waiting.data(), waiting.size(), poll_timeout(deadline));
    if (waiting[1].revents != 0) {
      return interrupted();
    }
    if (ready > 0) {
      return {};
    }
    if (Clock::now() >= deadline) {
      return Error::timeout("no answer in time");
    }
  }
}

Result<Socket> connect_tcp(const Url& url,
                           const std::string& label,
                           Deadline deadline,
                           const Interrupt& interrupt) {
  KREDIS_TRY(const std::vector<Address> addresses, resolve(url, label, deadline, interrupt));
  Result<Socket> last = Error::unreachable("cannot reach " + label + ": it has no address");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // An address that swallows packets must leave time for the next one.
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto share = Clock::now() + left / static_cast<int>(addresses.size() - i);
    last = connect_one(addresses[i], label, share, interrupt);
    if (last || interrupt.raised()) {
      return last;
    }
  }
  return last;
}

Connection::Connection(Socket socket, const Endpoint& endpoint, const Interrupt& interrupt)
    : socket_(std::move(socket)),
      context_(endpoint.tls),
      label_(endpoint.label),
      interrupt_(interrupt) {}

Result<std::unique_ptr<Connection>> Connection::dial(const Endpoint& endpoint,
                                                     Deadline deadline,
                                                     const Interrupt& interrupt) {
  const bool has_proxy = endpoint.proxy.has_value();
  const std::string label = has_proxy ? "the proxy " + endpoint.proxy->to_text() : endpoint.label;
  const Url& first = has_proxy ? *endpoint.proxy : endpoint.server;
  auto socket = connect_tcp(first, label, deadline, interrupt);
  if (!socket) {
    return has_proxy ? socket.error().with_hint("check proxy-url or HTTPS_PROXY") : socket.error();
  }
  std::unique_ptr<Connection> connection(new Connection(std::move(*socket), endpoint, interrupt));
  if (has_proxy) {
    KREDIS_CHECK(connection->pass_proxy(*endpoint.proxy, endpoint.server, deadline));
  }
  if (!endpoint.tls) {
    return connection;
  }
  const auto secured = connection->start_tls(deadline);
  if (!secured && connection->tls_ && connection->tls_->is_resuming() && !interrupt.raised()) {
    endpoint.tls->stop_resuming();
    return dial(endpoint, deadline, interrupt);
  }
  if (!secured) {
    return secured.error();
  }
  return connection;
}

Result<std::unique_ptr<Connection>> Connection::over(Socket socket,
                                                     const Endpoint& endpoint,
                                                     Deadline deadline,
                                                     const Interrupt& interrupt) {
  std::unique_ptr<Connection> connection(new Connection(std::move(socket), endpoint, interrupt));
  if (endpoint.tls) {
    KREDIS_CHECK(connection->start_tls(deadline));
  }
  return connection;
}

Status Connection::pass_proxy(const Url& proxy, const Url& server, Deadline deadline) {
  HttpRequest request{
      .method = "CONNECT", .target = server.authority(), .headers = {{"Host", server.authority()}}};
  if (!proxy.user_info.empty()) {
    request.headers.emplace_back("Proxy-Authorization", "Basic " + base64_encode(proxy.user_info));
  }
  HttpExchange exchange(*this);
  KREDIS_CHECK(exchange.send(request, deadline));
  const auto head = exchange.read_head(deadline);
  if (!head && head.error().code == ErrorCode::timeout) {
    return head.error();
  }
  // Neither TLS nor HTTP lets the server behind the proxy speak first.
  if (!head || exchange.has_rest()) {
    return Error::unreachable("the proxy " + proxy.to_text() + " gave no proper answer")
        .with_hint("check proxy-url or HTTPS_PROXY");
  }
  if (head->status / 100 != 2) {
    return Error::unreachable("the proxy " + proxy.to_text() + " refused to connect to " +
                              server.authority() + ": " + std::to_string(head->status) + " " +
                              printable(head->reason, 200))
        .with_hint("check proxy-url or HTTPS_PROXY, and what the proxy allows");
  }
  return {};
}

Status Connection::start_tls(Deadline deadline) {
  KREDIS_TRY(tls_, context_->start(socket_.fd(), label_));
  while (true) {
    KREDIS_TRY(const Progress progress, tls_->handshake());
    if (progress == Progress::done) {
      return {};
    }
    const short events = progress == Progress::want_read ? POLLIN : POLLOUT;
    const auto ready = wait_ready(socket_.fd(), events, deadline, interrupt_);
    if (!ready) {
      return interrupt_.raised() ? ready.error()
                                 : Error::timeout(label_ + " did not finish the TLS handshake")
                                       .with_hint("does this port speak TLS?");
    }
  }
}

Result<Transfer> Connection::try_read(char* buffer, std::size_t size) {
  if (tls_) {
    return tls_->read(buffer, size);
  }
  const auto got = ::recv(fd(), buffer, size, 0);
  if (got > 0) {
    return Transfer{Progress::done, static_cast<std::size_t>(got)};
  }
  const bool must_wait = got < 0 && (errno == EAGAIN || errno == EINTR);
  return Transfer{must_wait ? Progress::want_read : Progress::closed};
}

Result<Transfer> Connection::try_write(const char* data, std::size_t size) {
  if (tls_) {
    return tls_->write(data, size);
  }
  const auto sent = ::send(fd(), data, size, ports::k_no_signal);
  if (sent >= 0) {
    return Transfer{Progress::done, static_cast<std::size_t>(sent)};
  }
  const bool must_wait = errno == EAGAIN || errno == EINTR;
  return Transfer{must_wait ? Progress::want_write : Progress::closed};
}

Result<std::size_t> Connection::read(char* buffer, std::size_t size, Deadline deadline) {
  while (true) {
    KREDIS_TRY(const Transfer step, try_read(buffer, size));
    if (step.progress == Progress::done || step.progress == Progress::closed) {
      return step.bytes;
    }
    const short events = step.progress == Progress::want_read ? POLLIN : POLLOUT;
    const auto ready = wait_ready(fd(), events, deadline, interrupt_);
    if (!ready) {
      return interrupt_.raised() ? ready.error()
                                 : Error::timeout("no answer from " + label_ + " in time");
    }
  }
}

Status Connection::write(std::string_view data, Deadline deadline) {
  while (!data.empty()) {
    KREDIS_TRY(const Transfer step, try_write(data.data(), data.size()));
    data.remove_prefix(step.bytes);
    if (step.progress == Progress::closed) {
      return Error::unreachable(label_ + " closed the connection");
    }
    if (step.progress != Progress::done) {
      const short events = step.progress == Progress::want_read ? POLLIN : POLLOUT;
      KREDIS_CHECK(wait_ready(fd(), events, deadline, interrupt_));
    }
  }
  return {};
}

bool Connection::is_quiet() const {
  pollfd waiting{fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0 && !has_pending();
}

}  // namespace kredis::kube
