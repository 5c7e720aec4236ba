// SPDX-License-Identifier: Apache-2.0
//
// One byte stream to the API server: TCP, through a proxy where one is set, with TLS. REST calls
// and WebSockets both run on it. Nothing here knows HTTP beyond the proxy's CONNECT.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/kube/interrupt.hpp"
#include "shared/kube/tls.hpp"
#include "shared/kube/url.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

using ports::Clock;
using ports::Deadline;

/// Where a connection leads.
struct Endpoint {
  Url server;
  std::optional<Url> proxy = {};
  std::shared_ptr<TlsContext> tls = {};  ///< None: plain text.
  std::string label;                     ///< Names the server in errors.
};

/// Owns a socket.
class Socket {
 public:
  explicit Socket(int fd = -1) noexcept : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  int fd() const noexcept { return fd_; }
  int release() noexcept;

 private:
  int fd_;
};

/// Waits until `fd` is ready for `events` (as poll names them).
/// Errors: timeout (deadline, or interrupted).
Status wait_ready(int fd, short events, Deadline deadline, const Interrupt& interrupt);

/// Opens a TCP connection, trying every address of the host; non-blocking.
/// Errors: unreachable, timeout.
Result<Socket> connect_tcp(const Url& url,
                           const std::string& label,
                           Deadline deadline,
                           const Interrupt& interrupt);

/// Threads: one at a time.
class Connection {
 public:
  /// Errors: unreachable, unauthorized (our certificate), timeout.
  static Result<std::unique_ptr<Connection>> dial(const Endpoint& endpoint,
                                                  Deadline deadline,
                                                  const Interrupt& interrupt);

  /// The same over a socket that leads there already, such as a tunnel's; it must not block.
  static Result<std::unique_ptr<Connection>> over(Socket socket,
                                                  const Endpoint& endpoint,
                                                  Deadline deadline,
                                                  const Interrupt& interrupt);

  /// Reads at least one byte; 0 means that the far side has closed.
  Result<std::size_t> read(char* buffer, std::size_t size, Deadline deadline);
  /// Writes everything. Errors: unreachable when the far side has closed.
  Status write(std::string_view data, Deadline deadline);

  /// The same without waiting, for whoever polls many connections.
  Result<Transfer> try_read(char* buffer, std::size_t size);
  Result<Transfer> try_write(const char* data, std::size_t size);
  bool has_pending() const { return tls_ && tls_->has_pending(); }
  int fd() const { return socket_.fd(); }

  /// Whether an idle connection is still usable: open, and nothing unasked-for has arrived.
  bool is_quiet() const;

 private:
  Connection(Socket socket, const Endpoint& endpoint, const Interrupt& interrupt);
  Status pass_proxy(const Url& proxy, const Url& server, Deadline deadline);
  Status start_tls(Deadline deadline);

  Socket socket_;
  std::shared_ptr<TlsContext> context_;  // Outlives the session, which points into it.
  std::unique_ptr<TlsSession> tls_;
  std::string label_;
  const Interrupt& interrupt_;
};

}  // namespace kredis::kube
