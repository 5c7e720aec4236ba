// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 over TLS for thousands of connections on a few threads: limits, deadlines, draining.
// Knows nothing of reviews; what is answered comes from a Handler.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "webhook/http.hpp"
#include "webhook/tls_context.hpp"

namespace kredis::webhook {

/// What one peer, and all of them together, may take.
struct Limits {
  std::size_t body_bytes = std::size_t{3} << 20U;
  std::size_t header_bytes = std::size_t{16} << 10U;
  /// Of all bodies that are being received; past it the connection that holds most is closed.
  std::size_t held_bytes = std::size_t{16} << 20U;
  /// Past it the connection that was idle longest is closed.
  std::size_t connections = 1024;
  std::chrono::milliseconds handshake{5'000};
  std::chrono::milliseconds request{10'000};  ///< From its first byte until its answer is sent.
  /// Longer than the 90 s for which the API server keeps a connection.
  std::chrono::milliseconds idle{120'000};
};

/// What the server counted since its start. Threads: any.
struct ServerCounts {
  std::atomic<std::int64_t> open{0};
  std::atomic<std::int64_t> accepted{0};
  std::atomic<std::int64_t> handshakes_failed{0};
  std::atomic<std::int64_t> timed_out{0};  ///< Handshakes and requests past their deadline.
  std::atomic<std::int64_t> displaced{0};  ///< Closed to make room for others.
  std::atomic<std::int64_t> malformed{0};  ///< Answered before a request was whole.
  std::atomic<std::int64_t> held_bytes{0};
};

class Server {
 public:
  struct Impl;
  /// `tls` gives the certificate of each new connection; both must outlive the server.
  Server(const Limits& limits, Handler handler, const TlsSlot& tls);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens; port 0 takes any. Errors: invalid_argument (no address), unreachable (taken).
  Status listen(const std::string& address, std::uint16_t port);
  std::uint16_t port() const;
  /// Answers until `drain` is through. Requires: listen.
  void run(unsigned threads);
  /// From now on every answer asks its client to go to another replica. Threads: any.
  void stop_keeping_alive();
  /// Takes no more connections, answers what is in flight, and lets `run` return; what is not
  /// answered after `patience` is cut off. Threads: any.
  void drain(std::chrono::milliseconds patience);
  const ServerCounts& counts() const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace kredis::webhook
