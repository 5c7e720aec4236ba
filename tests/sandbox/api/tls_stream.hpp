// SPDX-License-Identifier: Apache-2.0
//
// TLS on a socket, as a ByteStream: for the connections that the server accepts and those it opens
// to webhooks. What is spoken inside is not its business.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "tests/sandbox/api/streams.hpp"

namespace kredis::sandbox::api {

using SslContext = std::shared_ptr<SSL_CTX>;

/// Owns the socket. OpenSSL forbids two threads in one SSL object, so each call into it is short
/// and locked, and waiting happens outside on the non-blocking socket.
class TlsStream final : public ByteStream {
 public:
  enum class Side { server, client };

  /// Takes `socket` over and shakes hands, at most `at_most` long. `server_name` is what a client
  /// wants to see in the certificate; servers leave it empty.
  /// Errors: unreachable, protocol (the handshake failed).
  static Result<std::unique_ptr<TlsStream>> open(int socket,
                                                 SSL_CTX& context,
                                                 Side side,
                                                 const std::string& server_name,
                                                 std::chrono::milliseconds at_most);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<std::size_t> read_some(std::span<char> into, std::chrono::milliseconds at_most) override;
  Status write_all(std::string_view bytes) override;
  void close() override;
  bool has_buffered() const override;
  int fd() const override { return socket_; }

  /// Puts bytes back in front of the stream: what an HTTP parser read too much.
  void unread(std::string_view bytes);
  /// The certificate that the peer showed, or null.
  std::shared_ptr<X509> peer_certificate() const;
  /// X509_V_OK or what OpenSSL found wrong with it.
  long verify_result() const;

 private:
  TlsStream(int socket, SSL* ssl);
  Status shake_hands(Side side, std::chrono::milliseconds at_most);

  int socket_;
  SSL* ssl_;
  mutable std::mutex mutex_;  // Guards ssl_ and unread_.
  std::mutex writing_;        // One writer at a time, so that messages do not mix.
  std::string unread_;
};

}  // namespace kredis::sandbox::api
