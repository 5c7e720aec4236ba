// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 over TLS: accepts, parses, keeps connections alive, a thread a connection. Knows nothing
// of Kubernetes.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "tests/sandbox/api/tls_stream.hpp"

namespace kredis::sandbox::api {

struct HttpRequest {
  std::string method;
  std::string path;  ///< Decoded, without the query.
  Query query;
  Headers headers;
  std::string body;

  /// The value of a header, or "".
  std::string header(const std::string& name) const;
};

/// One request's way back to the client. Exactly one of `send`, `begin_chunks` and `take_stream`.
class Exchange {
 public:
  Exchange(TlsStream& stream, const std::atomic<bool>& stopping)
      : stream_(stream), stopping_(stopping) {}

  void add_header(std::string name, std::string value);
  void send(int code, std::string_view content_type, std::string_view body);
  void begin_chunks(std::string_view content_type);
  /// False when the client is gone.
  bool send_chunk(std::string_view bytes);
  void end_chunks();
  /// For protocols that take the connection over; it is closed afterwards.
  TlsStream& take_stream();

  /// True when the client has left or the server stops: for answers that have no end of their own.
  bool abandoned();
  bool answered() const { return answered_; }
  bool keep_alive() const { return keep_alive_; }
  TlsStream& stream() { return stream_; }

 private:
  std::string head(int code) const;

  TlsStream& stream_;
  const std::atomic<bool>& stopping_;
  std::vector<std::pair<std::string, std::string>> headers_;
  bool answered_ = false;
  bool keep_alive_ = true;
  bool broken_ = false;
};

using HttpHandler = std::function<void(const HttpRequest&, Exchange&)>;

class HttpServer {
 public:
  HttpServer(SslContext context, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens on an IPv4 address; port 0 takes any. Errors: unreachable.
  Status start(const std::string& address, int port);
  /// Ends every connection and waits for its thread.
  void stop();
  int port() const { return port_; }

 private:
  struct Connection;
  void accept_connections();
  void serve(Connection& connection);
  void serve_requests(TlsStream& stream);
  void reap();

  SslContext context_;
  HttpHandler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::mutex mutex_;  // Guards connections_.
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace kredis::sandbox::api
