// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/tls_stream.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace kredis::sandbox::api {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds k_write_patience{60'000};

std::string tls_failure() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return text.data();
}

// Waits until the socket is ready for what OpenSSL asked for.
bool wait_for(int socket, int wanted, Clock::time_point deadline) {
  pollfd entry{socket, static_cast<short>(wanted == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN), 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready > 0) {
      return true;
    }
    if (ready == 0 || errno != EINTR) {
      return false;
    }
  }
}

bool must_wait(int error) { return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE; }

}  // namespace

TlsStream::TlsStream(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
  ::close(socket_);
}

Result<std::unique_ptr<TlsStream>> TlsStream::open(
    int socket, SSL_CTX& context, Side side, const std::string& server_name, milliseconds at_most) {
  SSL* ssl = SSL_new(&context);
  if (ssl == nullptr) {
    ::close(socket);
    return Error::internal("no TLS session: " + tls_failure());
  }
  std::unique_ptr<TlsStream> stream(new TlsStream(socket, ssl));
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (SSL_set_fd(ssl, socket) != 1) {
    return Error::internal("no TLS session: " + tls_failure());
  }
  if (!server_name.empty()) {
    SSL_ctrl(ssl,
             SSL_CTRL_SET_TLSEXT_HOSTNAME,
             TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(server_name.c_str()));
    SSL_set1_host(ssl, server_name.c_str());
  }
  KREDIS_CHECK(stream->shake_hands(side, at_most));
  return stream;
}

Status TlsStream::shake_hands(Side side, milliseconds at_most) {
  const auto deadline = Clock::now() + at_most;
  for (;;) {
    ERR_clear_error();
    const int result = side == Side::server ? SSL_accept(ssl_) : SSL_connect(ssl_);
    if (result == 1) {
      return {};
    }
    const int error = SSL_get_error(ssl_, result);
    if (!must_wait(error)) {
      const long verdict = SSL_get_verify_result(ssl_);
      return Error::protocol(side == Side::client && verdict != X509_V_OK
                                 ? std::string("tls: failed to verify certificate: ") +
                                       X509_verify_cert_error_string(verdict)
                                 : "tls: handshake failed: " + tls_failure());
    }
    if (!wait_for(socket_, error, deadline)) {
      return Error::timeout("tls: handshake took too long");
    }
  }
}

Result<std::size_t> TlsStream::read_some(std::span<char> into, milliseconds at_most) {
  const auto deadline = Clock::now() + at_most;
  for (;;) {
    int error = SSL_ERROR_NONE;
    {
      const std::lock_guard lock(mutex_);
      if (!unread_.empty()) {
        const std::size_t count = std::min(unread_.size(), into.size());
        std::copy_n(unread_.begin(), count, into.begin());
        unread_.erase(0, count);
        return count;
      }
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl_, into.data(), into.size(), &count);
      if (result == 1) {
        return count;
      }
      error = SSL_get_error(ssl_, result);
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
      return std::size_t{0};
    }
    if (!must_wait(error)) {
      return Error::unreachable("the peer broke the connection");
    }
    if (!wait_for(socket_, error, deadline)) {
      return Error::timeout("nothing came");
    }
  }
}

Status TlsStream::write_all(std::string_view bytes) {
  const std::lock_guard one_writer(writing_);
  while (!bytes.empty()) {
    int error = SSL_ERROR_NONE;
    {
      const std::lock_guard lock(mutex_);
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);
      if (result == 1) {
        bytes.remove_prefix(count);
        continue;
      }
      error = SSL_get_error(ssl_, result);
    }
    if (!must_wait(error) || !wait_for(socket_, error, Clock::now() + k_write_patience)) {
      return Error::unreachable("the peer is gone");
    }
  }
  return {};
}

void TlsStream::close() {
  {
    const std::lock_guard lock(mutex_);
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }
  ::shutdown(socket_, SHUT_RDWR);
}

bool TlsStream::has_buffered() const {
  const std::lock_guard lock(mutex_);
  return !unread_.empty() || SSL_has_pending(ssl_) == 1;
}

void TlsStream::unread(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  unread_.insert(0, bytes);
}

std::shared_ptr<X509> TlsStream::peer_certificate() const {
  const std::lock_guard lock(mutex_);
  return {SSL_get1_peer_certificate(ssl_), X509_free};
}

long TlsStream::verify_result() const {
  const std::lock_guard lock(mutex_);
  return SSL_get_verify_result(ssl_);
}

}  // namespace kredis::sandbox::api
