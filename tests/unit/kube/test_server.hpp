// SPDX-License-Identifier: Apache-2.0
//
// A server for tests of the Kubernetes adapter: real sockets and real TLS, and a handler that may
// answer properly, badly or not at all.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/kube/test_certificates.hpp"

namespace kredis::kube {

struct TestRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string>
      headers;  ///< Names in lower case; repeated ones joined by ','.
  std::string body;
  std::string client_name;  ///< Common name of the client's certificate, or empty.
};

/// The server's side of one connection. Blocking; ends by itself when the server stops.
class TestPeer {
 public:
  virtual ~TestPeer() = default;
  virtual void write(const std::string& bytes) = 0;
  /// Reads what is there, at most 64 KiB; empty at the end.
  virtual std::string read() = 0;
  /// Ends the connection after this request.
  void close() { is_closed_ = true; }
  bool is_closed() const { return is_closed_; }

  /// Writes a whole answer with a length.
  void answer(int status, const std::string& body, const std::string& headers = {});

 private:
  bool is_closed_ = false;
};

struct TestServerOptions {
  bool has_tls = true;
  TestCertificate certificate = {};
  std::string client_authority_pem = {};  ///< Asks clients for certificates when set.
  bool can_resume = true;                 ///< Else it hands out sessions that it fails to take up.
};

class TestServer {
 public:
  using Handler = std::function<void(const TestRequest&, TestPeer&)>;

  TestServer(const TestServerOptions& options, Handler handler);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  int port() const { return port_; }
  std::string address() const;
  int connections() const { return connections_; }
  /// How many of them took up an earlier TLS session.
  int resumptions() const { return resumptions_; }

 private:
  struct Tls;
  void accept_all();
  void serve(int socket);

  std::unique_ptr<Tls> tls_;
  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> resumptions_ = 0;
  std::mutex mutex_;  // Guards the two below.
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace kredis::kube
