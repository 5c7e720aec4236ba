// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <type_traits>
#include <utility>

#include "shared/system/posix.hpp"

namespace kredis::kube {
namespace {

/// OpenSSL's slot for an application's own pointer, in a connection and in a context.
constexpr int k_refusal_slot = 0;
constexpr int k_shared_slot = 0;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using OwnedCertificate = Owned<X509, &X509_free>;

/// What the server's certificate failed on, kept by the verify callback for the message.
struct Refusal {
  int code = X509_V_OK;
  std::string names;
  std::string from;
  std::string until;
};

std::string to_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return "an unknown date";
  }
  char buffer[32];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {buffer, size};
}

std::string to_text(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    const ASN1_IA5STRING* text = name->d.dNSName;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  if (name->type != GEN_IPADD) {
    return {};
  }
  char buffer[INET6_ADDRSTRLEN] = {};
  const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
  ::inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), buffer, sizeof buffer);
  return buffer;
}

std::string names_in(const X509* certificate) {
  const Owned<GENERAL_NAMES, &GENERAL_NAMES_free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string each = to_text(sk_GENERAL_NAME_value(names.get(), i));
    if (!each.empty()) {
      text += (text.empty() ? "" : ", ") + each;
    }
  }
  return text.empty() ? "no name at all" : text;
}

/// OpenSSL keeps the number of the error only; names and dates have to be copied while it verifies.
int remember_refusal(int ok, X509_STORE_CTX* store) {
  if (ok != 1) {
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* refusal = static_cast<Refusal*>(SSL_get_ex_data(ssl, k_refusal_slot));
    refusal->code = X509_STORE_CTX_get_error(store);
    if (const X509* certificate = X509_STORE_CTX_get_current_cert(store)) {
      refusal->names = names_in(certificate);
      refusal->from = to_text(X509_get0_notBefore(certificate));
      refusal->until = to_text(X509_get0_notAfter(certificate));
    }
  }
  return ok;
}

/// A socket BIO that never raises SIGPIPE, unlike OpenSSL's own, which uses write(2). To ignore the
/// signal for the whole process would be for `main` to decide.
int bio_write(BIO* bio, const char* data, int size) {
  const int socket = *static_cast<const int*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(socket, data, static_cast<std::size_t>(size), ports::k_no_signal);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* buffer, int size) {
  const int socket = *static_cast<const int*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(socket, buffer, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  // The handshake flushes and takes 0 for a failure; nothing is buffered here.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kredis socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

/// Keys with a pass phrase are refused rather than asked for on the terminal.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*for_writing*/, void* /*data*/) {
  return 0;
}

Owned<BIO, &BIO_free_all> memory(const std::string& text) {
  return Owned<BIO, &BIO_free_all>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

Status add_authorities(SSL_CTX* context, const std::string& pem) {
  // Without an authority the system's count, as in kubectl.
  if (pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const auto bio = memory(pem);
  int count = 0;
  while (const OwnedCertificate each{
      PEM_read_bio_X509_AUX(bio.get(), nullptr, no_pass_phrase, nullptr)}) {
    X509_STORE_add_cert(store, each.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) {
    return Error::invalid_argument("the certificate authority of the cluster holds no certificate")
        .with_hint("certificate-authority must be PEM text with -----BEGIN CERTIFICATE-----");
  }
  return {};
}

/// As in a server's file, the own certificate comes first and the chain behind it.
Status add_identity(SSL_CTX* context, const TlsSettings& settings) {
  const auto certificate_bio = memory(settings.certificate_pem);
  const OwnedCertificate own(
      PEM_read_bio_X509_AUX(certificate_bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Error::invalid_argument("the client certificate cannot be read: " + openssl_reason());
  }
  while (X509* each = PEM_read_bio_X509(certificate_bio.get(), nullptr, no_pass_phrase, nullptr)) {
    SSL_CTX_add_extra_chain_cert(context, each);  // Takes ownership.
  }
  ERR_clear_error();
  const auto key_bio = memory(settings.key_pem);
  const Owned<EVP_PKEY, &EVP_PKEY_free> key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) {
    return Error::invalid_argument("the client key cannot be read: " + openssl_reason())
        .with_hint("it must be a PEM key without a pass phrase");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Error::invalid_argument("the client key does not belong to the client certificate")
        .with_hint("client-certificate and client-key must be a pair");
  }
  return {};
}

}  // namespace

struct TlsContext::Impl {
  Owned<SSL_CTX, &SSL_CTX_free> context;
  std::string server_name;
  bool insecure = false;
  std::time_t certificate_end = 0;
  /// The newest session, so that sixty tunnels cost one full handshake.
  std::mutex mutex;
  Owned<SSL_SESSION, &SSL_SESSION_free> session;
  bool may_resume = true;
};

struct TlsSession::Impl {
  int socket = -1;  ///< Where the BIO of `ssl` finds it.
  Owned<SSL, &SSL_free> ssl;
  Refusal refusal;
  std::string label;
  std::string server_name;
  bool is_resuming = false;

  Result<Transfer> outcome(int returned, std::size_t bytes);
  Error failure() const;
  Error refused_certificate() const;
};

namespace {

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* shared =
      static_cast<TlsContext::Impl*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), k_shared_slot));
  const std::lock_guard lock(shared->mutex);
  shared->session.reset(session);
  return 1;  // We keep the reference.
}

/// An API server answers 401 to a client certificate that has expired, as to any stranger; this
/// date explains it to the user.
std::time_t end_of(SSL_CTX* context) {
  const X509* own = SSL_CTX_get0_certificate(context);
  std::tm parts{};
  if (own == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(own), &parts) != 1) {
    return 0;
  }
  return ::timegm(&parts);
}

/// The name to check: an address is matched as an address, all else as a DNS name with SNI, which
/// may not carry an address (RFC 6066, section 3).
void expect_name(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* check = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str()) == 1) {
    return;
  }
  ERR_clear_error();
  // As Go does: the common name of the subject does not count.
  X509_VERIFY_PARAM_set_hostflags(
      check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  SSL_set1_host(ssl, name.c_str());
  // SSL_set_tlsext_host_name, without the C cast in that macro.
  SSL_ctrl(ssl,
           SSL_CTRL_SET_TLSEXT_HOSTNAME,
           TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(name.c_str()));
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = impl->context.get();
  if (context == nullptr) {
    return Error::internal("cannot set up TLS: " + openssl_reason());
  }
  // Kubernetes' components start at 1.2 as well (--tls-min-version).
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                       SSL_MODE_RELEASE_BUFFERS);
  // Load balancers often close without a farewell, which OpenSSL 3 made an error. Lengths and
  // chunks tell whether an answer is whole (RFC 9112, section 8).
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Any certificate the user names as an authority is an anchor, also an intermediate one: Go takes
  // it so, and OpenSSL only with this flag.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (!settings.insecure) {
    KREDIS_CHECK(add_authorities(context, settings.ca_pem));
  }
  if (!settings.certificate_pem.empty()) {
    KREDIS_CHECK(add_identity(context, settings));
  }
  impl->server_name = settings.server_name;
  impl->insecure = settings.insecure;
  impl->certificate_end = end_of(context);
  SSL_CTX_set_ex_data(context, k_shared_slot, impl.get());
  // TLS 1.3 sends its tickets after the handshake, any number of them: only the callback gets them
  // all.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  return std::make_shared<TlsContext>(std::move(impl));
}

void TlsContext::stop_resuming() {
  const std::lock_guard lock(impl_->mutex);
  impl_->may_resume = false;
}

std::time_t TlsContext::certificate_end() const { return impl_->certificate_end; }

Result<std::unique_ptr<TlsSession>> TlsContext::start(int socket, const std::string& label) {
  auto session = std::make_unique<TlsSession::Impl>();
  session->label = label;
  session->server_name = impl_->server_name;
  session->ssl.reset(SSL_new(impl_->context.get()));
  BIO* bio = BIO_new(bio_method());
  if (!session->ssl || bio == nullptr) {
    BIO_free(bio);
    return Error::internal("cannot set up TLS: " + openssl_reason());
  }
  session->socket = socket;
  BIO_set_data(bio, &session->socket);
  BIO_set_init(bio, 1);
  SSL* ssl = session->ssl.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_ex_data(ssl, k_refusal_slot, &session->refusal);
  SSL_set_verify(ssl, impl_->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, remember_refusal);
  expect_name(ssl, impl_->server_name);
  SSL_set_connect_state(ssl);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->session && impl_->may_resume) {
      session->is_resuming = SSL_set_session(ssl, impl_->session.get()) == 1;
    }
  }
  return std::make_unique<TlsSession>(std::move(session));
}

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TlsSession::~TlsSession() {
  // A session without a farewell would be thrown out of the cache; nobody waits for the answer.
  SSL_set_quiet_shutdown(impl_->ssl.get(), 1);
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

Result<Progress> TlsSession::handshake() {
  ERR_clear_error();
  KREDIS_TRY(const Transfer step, impl_->outcome(SSL_do_handshake(impl_->ssl.get()), 0));
  if (step.progress == Progress::closed) {
    return Error::unreachable(impl_->label + " closed the connection during the TLS handshake")
        .with_hint("is a proxy or load balancer in the way?");
  }
  return step.progress;
}

Result<Transfer> TlsSession::read(char* buffer, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(impl_->ssl.get(), buffer, size, &bytes);
  return impl_->outcome(returned, bytes);
}

Result<Transfer> TlsSession::write(const char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(impl_->ssl.get(), data, size, &bytes);
  return impl_->outcome(returned, bytes);
}

bool TlsSession::is_resuming() const { return impl_->is_resuming; }

bool TlsSession::has_pending() const { return SSL_pending(impl_->ssl.get()) > 0; }

/// SSL_get_error looks at the thread's queue of errors, so every caller empties it before its step
/// (SSL_get_error(3)).
Result<Transfer> TlsSession::Impl::outcome(int returned, std::size_t bytes) {
  if (returned > 0) {
    return Transfer{Progress::done, bytes};
  }
  switch (SSL_get_error(ssl.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Transfer{Progress::want_read};
    case SSL_ERROR_WANT_WRITE:
      return Transfer{Progress::want_write};
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
      return Transfer{Progress::closed};
    default:
      return failure();
  }
}

Error TlsSession::Impl::failure() const {
  // In TLS 1.3 a server sees our certificate after our side of the handshake is done, so alerts
  // about it come with the first read.
  switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return refused_certificate();
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return Error::unreachable(label + " does not speak TLS on this port")
          .with_hint("check the port; for a server without TLS write http:// in its address");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return Error::unauthorized(label + " refused the client certificate: " + openssl_reason())
          .with_hint("renew client-certificate and client-key of this user in the kubeconfig");
    default:
      return Error::unreachable("TLS with " + label + " failed: " + openssl_reason())
          .with_hint("is a proxy in the way, or is the server for TLS below 1.2 only?");
  }
}

Error TlsSession::Impl::refused_certificate() const {
  switch (refusal.code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Error::unreachable("the certificate of " + label + " is not for '" + server_name +
                                "', but for " + refusal.names)
          .with_hint("use one of these names in the server's address, or as tls-server-name");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Error::unreachable("the certificate of " + label + " expired on " + refusal.until)
          .with_hint("renew it on the server, and check this machine's clock");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Error::unreachable("the certificate of " + label + " is only valid from " +
                                refusal.from)
          .with_hint("check this machine's clock");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return Error::unreachable("the certificate of " + label +
                                " is signed by an authority that is not trusted")
          .with_hint(
              "set certificate-authority of the cluster in the kubeconfig to the "
              "server's own CA");
    default:
      return Error::unreachable("the certificate of " + label +
                                " was refused: " + X509_verify_cert_error_string(refusal.code))
          .with_hint("look at the server's certificate, and at the CA that signed it");
  }
}

}  // namespace kredis::kube
