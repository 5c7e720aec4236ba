// SPDX-License-Identifier: Apache-2.0
#include "webhook/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <utility>

namespace kredis::webhook {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio memory_reader(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

/// Nobody is at a terminal to type a passphrase.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

Status use_certificate(SSL_CTX* context, const std::string& pem) {
  const Bio bio = memory_reader(pem);
  // The first is the server's own, its chain comes behind (RFC 8446, section 4.4.2).
  const Certificate leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return Error::invalid_argument("the certificate is not PEM");
  }
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return Error::invalid_argument("the certificate's chain cannot be used");
    }
  }
  return {};
}

}  // namespace

Result<TlsContext> make_tls_context(const KeyPair& pair) {
  ERR_clear_error();
  const TlsContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) {
    return Error::internal("OpenSSL makes no context");
  }
  // The least that Go's TLS takes by default, so every API server speaks it.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Without ALPN (RFC 7301) an API server speaks HTTP/1.1, the one protocol of server.cpp.
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA);
  // Idle connections give their buffers back; writes may be taken up in parts.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record by one call of the system, not its header and its rest by one each.
  SSL_CTX_set_read_ahead(context.get(), 1);
  // Tickets only: sessions kept here would grow with every stranger who connects.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  KREDIS_CHECK(use_certificate(context.get(), pair.certificate_pem));
  const Bio bio = memory_reader(pair.key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr),
                &EVP_PKEY_free);
  if (!key) {
    return Error::invalid_argument("the private key is not PEM, or has a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Error::invalid_argument("the private key does not belong to the certificate");
  }
  return context;
}

void TlsSlot::set(TlsContext context) {
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
}

TlsContext TlsSlot::get() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace kredis::webhook
