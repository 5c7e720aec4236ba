// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace kredis::redis {
namespace {

constexpr std::string_view k_ca_hint =
    "give the CA that signed the servers' certificate as `ca.crt` in the Secret of --tls-secret";

struct FreeOpenssl {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509_STORE_CTX* check) const noexcept { X509_STORE_CTX_free(check); }
  void operator()(STACK_OF(X509) * list) const noexcept { sk_X509_free(list); }
};
using Bio = std::unique_ptr<BIO, FreeOpenssl>;
using Certificate = std::unique_ptr<X509, FreeOpenssl>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

Bio memory_bio(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// An encrypted key must fail, not ask on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Certificate read_certificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "" : reason;
}

Status believe(SSL_CTX* context, const std::string& ca_pem) {
  if (ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  const Bio bio = memory_bio(ca_pem);
  int count = 0;
  while (const Certificate certificate = read_certificate(bio.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) {
    return Error::invalid_argument("the CA for Redis holds no certificate in PEM form");
  }
  return {};
}

Status present(SSL_CTX* context, const TlsOptions& options) {
  if (options.cert_pem.empty() && options.key_pem.empty()) {
    return {};
  }
  const Bio chain = memory_bio(options.cert_pem);
  const Certificate leaf = read_certificate(chain.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return Error::invalid_argument("the client certificate for Redis is not PEM: " + last_reason());
  }
  while (const Certificate issuer = read_certificate(chain.get())) {
    SSL_CTX_add1_chain_cert(context, issuer.get());
  }
  ERR_clear_error();
  const Bio key_bio = memory_bio(options.key_pem);
  const PrivateKey key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    return Error::invalid_argument("the client key for Redis cannot be read: " + last_reason())
        .with_hint("give it as PEM, without a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Error::invalid_argument("the client key for Redis does not belong to its certificate");
  }
  return {};
}

}  // namespace

void FreeTls::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }
void FreeTls::operator()(ssl_st* session) const noexcept { SSL_free(session); }

TlsContext::TlsContext(Verify verify)
    : context_(SSL_CTX_new(TLS_client_method())), verify_(verify) {}

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsOptions& options) {
  ERR_clear_error();
  const std::shared_ptr<TlsContext> made(new TlsContext(options.verify));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    return Error::internal("cannot set up TLS: " + last_reason());
  }
  KREDIS_CHECK(believe(context, options.ca_pem));
  KREDIS_CHECK(present(context, options));
  const bool checks = options.verify == Verify::chain_and_name;
  SSL_CTX_set_verify(context, checks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return std::shared_ptr<const TlsContext>(made);
}

Result<TlsSession> TlsContext::session(const std::string& name) const {
  TlsSession session(SSL_new(context_.get()));
  if (!session) {
    return Error::internal("cannot start TLS: " + last_reason());
  }
  X509_VERIFY_PARAM* rules = SSL_get0_param(session.get());
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  ERR_clear_error();
  if (!is_address) {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // What SSL_set_tlsext_host_name expands to, less its old-style cast.
    if (SSL_ctrl(session.get(),
                 SSL_CTRL_SET_TLSEXT_HOSTNAME,
                 TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(name.c_str())) != 1 ||
        SSL_set1_host(session.get(), name.c_str()) != 1) {
      return Error::invalid_argument("\"" + name + "\" cannot be a server's name");
    }
  }
  if (name.empty() && verify_ == Verify::chain_and_name) {
    return Error::invalid_argument("no name is known to check the server's certificate against");
  }
  return session;
}

Status check_certificate(const TlsOptions& options, const std::string& name) {
  KREDIS_TRY(const auto context, TlsContext::make(options));
  const Bio chain = memory_bio(options.cert_pem);
  const Certificate leaf = read_certificate(chain.get());
  if (!leaf) {
    return Error::invalid_argument("the certificate for Redis is not PEM");
  }
  ERR_clear_error();
  const std::unique_ptr<X509_STORE_CTX, FreeOpenssl> check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(
      check.get(), SSL_CTX_get_cert_store(context->context_.get()), leaf.get(), nullptr);
  std::vector<Certificate> between;
  const std::unique_ptr<STACK_OF(X509), FreeOpenssl> stack(sk_X509_new_null());
  while (Certificate issuer = read_certificate(chain.get())) {
    sk_X509_push(stack.get(), issuer.get());
    between.push_back(std::move(issuer));
  }
  ERR_clear_error();
  X509_STORE_CTX_set0_untrusted(check.get(), stack.get());
  if (X509_verify_cert(check.get()) != 1) {
    const int verdict = X509_STORE_CTX_get_error(check.get());
    return Error::invalid_argument(std::string("the certificate for Redis is not trusted: ") +
                                   X509_verify_cert_error_string(verdict))
        .with_hint("renew it, and give the CA that signed it as `ca.crt`");
  }
  if (!name.empty() &&
      X509_check_host(
          leaf.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) !=
          1) {
    return Error::invalid_argument("the certificate for Redis is not for the name " + name)
        .with_hint("put that name, or a wildcard for it, into the certificate's dnsNames");
  }
  return {};
}

Error handshake_error(ssl_st* session, const std::string& who, const std::string& name) {
  const long verdict = SSL_get_verify_result(session);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return Error::protocol("the certificate of " + who + " is not for the name " + name)
        .with_hint("put that name (or a wildcard for it) into the certificate's dnsNames");
  }
  if (verdict != X509_V_OK) {
    return Error::protocol("the certificate of " + who +
                           " is not trusted: " + X509_verify_cert_error_string(verdict))
        .with_hint(std::string(k_ca_hint));
  }
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
    return Error::protocol(who + " does not speak TLS on this port")
        .with_hint("leave out the TLS flags, or set `tls-port` in its redis.conf");
  }
  const std::string text = last_reason();
  return Error::protocol("the TLS handshake with " + who +
                         " failed: " + (text.empty() ? "the server closed the connection" : text));
}

std::string pending_tls_alert() {
  std::string text = last_reason();
  ERR_clear_error();
  return text;
}

Result<std::string> read_pem_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error::not_found("cannot read " + path);
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.find("-----BEGIN ") == std::string::npos) {
    return Error::invalid_argument(path + " is not in PEM form")
        .with_hint("it should have a line that starts with -----BEGIN");
  }
  return text;
}

}  // namespace kredis::redis
