// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/dial.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <memory>
#include <thread>

#include "shared/system/posix.hpp"

namespace kredis::redis {
namespace {

using AddressList = std::shared_ptr<addrinfo>;

struct Resolved {
  int status = 0;
  AddressList addresses;
};

Resolved resolve_now(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {status, found == nullptr ? nullptr : AddressList(found, ::freeaddrinfo)};
}

/// getaddrinfo has no deadline of its own, so a name is looked up on a thread that may outlive us.
Result<AddressList> resolve(const std::string& host, int port, ports::Deadline deadline) {
  Resolved resolved = resolve_now(host, port, AI_NUMERICHOST);
  if (resolved.status != 0) {
    auto task = std::make_shared<std::packaged_task<Resolved()>>(
        [host, port] { return resolve_now(host, port, AI_ADDRCONFIG); });
    std::future<Resolved> answer = task->get_future();
    std::thread([task] { (*task)(); }).detach();
    if (answer.wait_until(deadline) != std::future_status::ready) {
      return Error::timeout("looking up the name " + host + " took too long");
    }
    resolved = answer.get();
  }
  if (resolved.status != 0) {
    return Error::unreachable("the name " + host +
                              " is not known here: " + ::gai_strerror(resolved.status))
        .with_hint("outside the cluster's network use --via tunnel");
  }
  return resolved.addresses;
}

Error connect_error(int error, const std::string& who, const std::string& where) {
  if (error == ECONNREFUSED) {
    return Error::unreachable(who + " refused the connection to " + where)
        .with_hint("nothing listens there: look at the pod's log, and at `port` in its redis.conf");
  }
  return Error::unreachable(who + " cannot be reached at " + where + ": " + std::strerror(error))
      .with_hint("outside the cluster's network use --via tunnel");
}

/// Returns the errno of the attempt, 0 when connected, ETIMEDOUT when time is up.
int try_connect(int fd, const addrinfo& address, ports::Deadline deadline) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS && errno != EINTR) {
    return errno;
  }
  if (!wait_ready(fd, POLLOUT, deadline)) {
    return ETIMEDOUT;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

bool wait_ready(int fd, short events, ports::Deadline deadline) {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{fd, events, 0};
    const auto wait = std::clamp<milliseconds::rep>(left.count(), 0, 60'000);
    const int ready = ::poll(&entry, 1, static_cast<int>(wait));
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      return true;  // The read or write that follows reports what is wrong with it.
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
  }
}

Status prepare_fd(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    return Error::internal(std::string("cannot prepare a socket: ") + std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Fails on a socket pair: no matter.
  return {};
}

Result<UniqueFd> dial(const std::string& host,
                      int port,
                      const std::string& who,
                      ports::Deadline deadline) {
  const std::string where = host + ":" + std::to_string(port);
  KREDIS_TRY(const AddressList addresses, resolve(host, port, deadline));
  int error = EHOSTUNREACH;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    UniqueFd fd(
        ports::open_socket(at->ai_family, at->ai_socktype, at->ai_protocol, ports::Blocking::yes));
    if (fd.get() < 0) {
      error = errno;
      continue;
    }
    KREDIS_CHECK(prepare_fd(fd.get()));
    error = try_connect(fd.get(), *at, deadline);
    if (error == 0) {
      return fd;
    }
  }
  if (error == ETIMEDOUT) {
    return Error::timeout(who + " did not accept a connection at " + where + " in time")
        .with_hint("a network policy or a dead address swallows packets; try --via tunnel");
  }
  return connect_error(error, who, where);
}

}  // namespace kredis::redis
