// SPDX-License-Identifier: Apache-2.0
//
// TLS towards the API server: whom we trust, who we are, and what to tell the user when the two
// sides disagree. OpenSSL's types stay in tls.cpp.
#pragma once

#include <ctime>
#include <memory>
#include <string>

#include "shared/core/result.hpp"

namespace kredis::kube {

struct TlsSettings {
  std::string ca_pem;           ///< Empty: the system's authorities.
  std::string certificate_pem;  ///< Our certificate with its chain, or empty.
  std::string key_pem;
  std::string server_name;  ///< Name or IP address that the server's certificate must carry.
  bool insecure = false;    ///< Accept any certificate.
};

/// How far a non-blocking step got.
enum class Progress { done, want_read, want_write, closed };

struct Transfer {
  Progress progress = Progress::done;
  std::size_t bytes = 0;
};

/// One side of one TLS connection over a non-blocking socket that somebody else owns.
/// Threads: one at a time.
class TlsSession {
 public:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  ~TlsSession();

  /// Errors: unreachable or unauthorized, in words that say which certificate is the trouble.
  Result<Progress> handshake();
  Result<Transfer> read(char* buffer, std::size_t size);
  Result<Transfer> write(const char* data, std::size_t size);
  /// Whether an earlier session was offered to the server.
  bool is_resuming() const;
  /// Whether decrypted bytes wait inside, which no poll of the socket would show.
  bool has_pending() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// What all connections to one server share. Threads: any.
class TlsContext {
 public:
  struct Impl;
  /// Errors: invalid_argument when certificates or key cannot be read or do not match.
  static Result<std::shared_ptr<TlsContext>> make(const TlsSettings& settings);
  explicit TlsContext(std::unique_ptr<Impl> impl);
  ~TlsContext();

  /// `label` names the server in errors.
  Result<std::unique_ptr<TlsSession>> start(int socket, const std::string& label);
  /// From now on every connection makes a full handshake: some servers offer sessions that they
  /// then cannot take up.
  void stop_resuming();
  /// When our own certificate ends; 0 without one.
  std::time_t certificate_end() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kredis::kube
