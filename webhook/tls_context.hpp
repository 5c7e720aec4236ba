// SPDX-License-Identifier: Apache-2.0
//
// What the server shows to those who connect: one certificate with its key, changed while it runs.
// Connections that are open keep the one they began with.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "shared/core/result.hpp"

struct ssl_ctx_st;

namespace kredis::webhook {

/// A certificate (with its chain) and its key, both PEM. The key never goes into a message.
struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
  friend bool operator==(const KeyPair&, const KeyPair&) = default;
};

using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// TLS 1.2 and 1.3, no renegotiation, no compression.
/// Errors: invalid_argument when certificate or key cannot be read or do not belong together.
Result<TlsContext> make_tls_context(const KeyPair& pair);

/// The context for the next connection. Threads: any.
class TlsSlot {
 public:
  void set(TlsContext context);
  /// Null as long as there is no certificate.
  TlsContext get() const;

 private:
  mutable std::mutex mutex_;
  TlsContext context_;
};

}  // namespace kredis::webhook
