// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api_server.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/kubeconfig.hpp"
#include "tests/sandbox/api/pki.hpp"
#include "tests/sandbox/api/quota.hpp"
#include "tests/sandbox/api/rest.hpp"
#include "tests/sandbox/api/service_allocator.hpp"

namespace kredis::sandbox {
namespace {

using std::chrono::milliseconds;

const User k_admin{"kubernetes-admin", {"system:masters"}};

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

Bio memory_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
}

// Asks every client for a certificate but lets it go on without: tokens are fine too. Whether the
// certificate is any good is the authenticator's question, so that the answer is a 401.
Result<api::SslContext> make_context(const api::Credentials& own, const std::string& ca) {
  api::SslContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const std::shared_ptr<X509> certificate(
      PEM_read_bio_X509(memory_of(own.certificate).get(), nullptr, nullptr, nullptr), X509_free);
  const std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(memory_of(own.key).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::shared_ptr<X509> authority(
      PEM_read_bio_X509(memory_of(ca).get(), nullptr, nullptr, nullptr), X509_free);
  const bool loaded =
      SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
      SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1 &&
      SSL_CTX_add_client_CA(context.get(), authority.get()) == 1 &&
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get()) == 1;
  if (!loaded) {
    return Error::internal("cannot load the API server's certificate");
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // Clients may resume a session; OpenSSL refuses that where certificates are asked for, unless the
  // server names what its sessions are good for.
  static constexpr unsigned char k_session_context[] = "sandbox";
  SSL_CTX_set_session_id_context(context.get(), k_session_context, sizeof k_session_context - 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  return context;
}

std::map<std::string, api::Identity> identities_of(const std::map<std::string, User>& tokens) {
  std::map<std::string, api::Identity> identities;
  for (const auto& [token, user] : tokens) {
    identities[token] = api::Identity{user.name, user.groups};
  }
  return identities;
}

Error to_error(const api::ApiError& error) {
  switch (error.code) {
    case 404:
      return Error::not_found(error.message);
    case 409:
      return Error::conflict(error.message);
    case 403:
      return Error::unsafe(error.message);
    case 500:
      return Error::internal(error.message);
    default:
      return Error::invalid_argument(error.message);
  }
}

}  // namespace

struct ApiServer::Parts {
  Parts(Store& the_store, Options the_options)
      : store(the_store),
        options(std::move(the_options)),
        authenticator(store, identities_of(options.tokens)),
        rbac(store),
        admission(store),
        allocator(store, options.allocate_cluster_ip),
        objects(store, admission, [this](Json& service) { allocator.fill_in(service); }),
        rest({store,
              authenticator,
              rbac,
              admission,
              objects,
              options.streams,
              options.server_version}) {}

  // Keeps quotas' status up to date; everything else that reacts to changes is a controller's.
  void watch_quotas() {
    std::uint64_t seen = 0;
    while (!stopping) {
      const std::uint64_t now = store.revision();
      if (now != seen) {
        api::refresh_quotas(store);
        seen = now;
      }
      store.wait_past(seen, milliseconds{1'000});
    }
  }

  Store& store;
  Options options;
  std::unique_ptr<api::Pki> pki;
  api::Authenticator authenticator;
  api::Rbac rbac;
  api::Admission admission;
  api::ServiceAllocator allocator;
  api::Objects objects;
  api::RestApi rest;
  std::unique_ptr<api::HttpServer> http;
  std::atomic<bool> stopping{false};
  std::thread quota_thread;
};

ApiServer::ApiServer(Store& store, Options options)
    : parts_(std::make_unique<Parts>(store, std::move(options))) {}

ApiServer::~ApiServer() { stop(); }

Status ApiServer::start() {
  Options& options = parts_->options;
  KREDIS_TRY(api::Pki pki, api::Pki::open(options.pki_dir));
  parts_->pki = std::make_unique<api::Pki>(std::move(pki));
  std::vector<std::string> hosts = {"127.0.0.1",
                                    "localhost",
                                    "kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc.cluster.local",
                                    options.address};
  hosts.insert(hosts.end(), options.extra_hosts.begin(), options.extra_hosts.end());
  KREDIS_TRY(const api::Credentials own, parts_->pki->issue_server(hosts));
  KREDIS_TRY(api::SslContext context, make_context(own, ca_certificate()));
  parts_->rbac.create_default_roles();
  parts_->http = std::make_unique<api::HttpServer>(
      std::move(context), [this](const api::HttpRequest& request, api::Exchange& exchange) {
        parts_->rest.handle(request, exchange);
      });
  KREDIS_CHECK(parts_->http->start(options.address, options.port));
  parts_->quota_thread = std::thread([this] { parts_->watch_quotas(); });
  return {};
}

void ApiServer::stop() {
  parts_->stopping = true;
  parts_->store.wake_all();
  if (parts_->http != nullptr) {
    parts_->http->stop();
  }
  if (parts_->quota_thread.joinable()) {
    parts_->quota_thread.join();
  }
}

int ApiServer::port() const { return parts_->http == nullptr ? 0 : parts_->http->port(); }

std::string ApiServer::url() const {
  return "https://" + parts_->options.address + ":" + std::to_string(port());
}

std::string ApiServer::ca_certificate() const {
  return parts_->pki == nullptr ? "" : parts_->pki->ca_certificate();
}

Result<std::string> ApiServer::kubeconfig(const User& user) const {
  KREDIS_TRY(const api::Credentials credentials, parts_->pki->issue_client(user.name, user.groups));
  return api::certificate_kubeconfig({url(), ca_certificate(), user.name}, credentials);
}

Result<std::string> ApiServer::admin_kubeconfig() const { return kubeconfig(k_admin); }

std::string ApiServer::token_kubeconfig(const std::string& token) const {
  return api::token_kubeconfig({url(), ca_certificate(), "token-user"}, token);
}

std::string ApiServer::service_account_token(const std::string& namespace_,
                                             const std::string& account) const {
  return parts_->authenticator.issuer().issue(namespace_, account, std::chrono::hours(24));
}

Result<Object> ApiServer::create(const Key& key, const Json& object) {
  const api::ResourceInfo* info = api::find_resource(key.group, key.resource);
  if (info == nullptr) {
    return Error::invalid_argument("no such resource: " + key.resource);
  }
  api::WriteOptions options;
  options.user = {"system:kube-controller-manager", {"system:masters"}};
  options.field_manager = "kube-controller-manager";
  const auto written = parts_->objects.create({info, key.namespace_, "", ""}, object, options);
  if (!written) {
    return to_error(written.error());
  }
  return std::make_shared<const Json>(written->object);
}

}  // namespace kredis::sandbox
