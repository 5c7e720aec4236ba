// SPDX-License-Identifier: Apache-2.0
//
// Our own TLS objects for hiredis, whose own ones never check the server's name.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/redis/redis.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace kredis::redis {

struct FreeTls {
  void operator()(ssl_ctx_st* context) const noexcept;
  void operator()(ssl_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_st, FreeTls>;

/// Certificates and rules, made once and shared by connections.
/// Threads: `session` may be called from several threads at once.
class TlsContext {
 public:
  /// Errors: invalid_argument (a certificate or key that cannot be used).
  static Result<std::shared_ptr<const TlsContext>> make(const TlsOptions& options);

  /// Makes the client side of one connection to a server that must be called `name`.
  Result<TlsSession> session(const std::string& name) const;

 private:
  friend Status check_certificate(const TlsOptions& options, const std::string& name);

  explicit TlsContext(Verify verify);
  std::unique_ptr<ssl_ctx_st, FreeTls> context_;
  Verify verify_;
};

/// Checks what servers would present: that the certificate of `options` is signed by its CA, valid
/// today and, where `name` is not empty, for that name.
/// Errors: invalid_argument.
Status check_certificate(const TlsOptions& options, const std::string& name);

/// Says why the handshake with `who`, which should be called `name`, came to nothing, from
/// OpenSSL's error queue and the session's verdict on the certificate.
Error handshake_error(ssl_st* session, const std::string& who, const std::string& name);

/// Says what the TLS layer objected to after the handshake; empty when it had nothing to say.
std::string pending_tls_alert();

}  // namespace kredis::redis
