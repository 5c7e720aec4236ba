// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/redis_access.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/observe/locate.hpp"
#include "shared/redis/tls.hpp"

namespace kredis::observe {
namespace {

const ports::ResourceType k_secrets{"v1", "secrets"};

/// One key of a Secret's data, decoded.
std::optional<std::string> secret_value(const Json& secret, const std::string& key) {
  const Json::json_pointer where = Json::json_pointer("/data") / key;
  return secret.contains(where) ? kube::base64_decode(text_at(secret, where)) : std::nullopt;
}

Error missing_key(const std::string& secret, const std::string& keys) {
  return Error::not_found("Secret " + secret + " has no " + keys)
      .with_hint("kubectl create secret generic " + secret + " needs that key");
}

/// The key of the password: what `create` and the Secret type basic-auth call it, then what charts
/// do; of a Secret with one key alone, that one.
std::string password_key(const Json& secret) {
  const Json keys = secret.value("data", Json::object());
  for (const char* usual : {"password", "redis-password", "valkey-password", "redis_password"}) {
    if (keys.contains(usual)) {
      return usual;
    }
  }
  return keys.size() == 1 ? keys.begin().key() : std::string{};
}

std::string keys_of(const Json& secret) {
  std::vector<std::string> keys;
  const Json data = secret.value("data", Json::object());
  for (const auto& [key, value] : data.items()) {
    keys.push_back(key);
  }
  return keys.empty() ? "it has no keys" : "it has " + core::list_of(keys);
}

Result<std::string> read_key(ports::KubePort& kube,
                             const std::string& namespace_,
                             const KeyIn& wanted) {
  if (wanted.empty()) {
    return std::string();
  }
  KREDIS_TRY(const Json secret, kube.get({k_secrets, namespace_, wanted.object}));
  auto value = secret_value(secret, wanted.key);
  if (!value) {
    return missing_key(wanted.object, "key \"" + wanted.key + "\"; " + keys_of(secret));
  }
  return *std::move(value);
}

Status read_certificates(ports::KubePort& kube,
                         const std::string& namespace_,
                         const RedisAccess& access,
                         redis::RedisOptions& options) {
  const CertificateKeys& mounted = access.certificates;
  const std::string& secret = access.tls_secret;
  const bool is_named = !secret.empty();
  const auto key = [&](const char* name, const KeyIn& otherwise) {
    return read_key(kube, namespace_, is_named ? KeyIn{secret, name} : otherwise);
  };
  options.transport = redis::Transport::tls;
  KREDIS_TRY(options.tls.ca_pem, key("ca.crt", mounted.ca));
  KREDIS_TRY(options.tls.cert_pem, key("tls.crt", mounted.certificate));
  KREDIS_TRY(options.tls.key_pem, key("tls.key", mounted.key));
  if (!access.service.empty()) {
    options.tls.host_name = "{pod}." + access.service + ".{namespace}.svc.cluster.local";
  }
  return {};
}

}  // namespace

RedisAccess access_of(const Json& workload,
                      const RedisProcess& process,
                      const RedisAccess& wanted) {
  RedisAccess access = wanted;
  if (access.auth_secret.empty()) {
    access.auth_secret = annotation_of(workload, core::k_auth_secret_annotation);
  }
  if (access.auth_secret.empty()) {
    access.auth_secret = process.password.object;
    access.auth_key = process.password.key;
    access.password = process.plain_password;
  }
  if (access.tls_secret.empty()) {
    access.tls_secret = annotation_of(workload, core::k_tls_secret_annotation);
  }
  if (access.tls_secret.empty()) {
    access.certificates = process.certificates;
  }
  if (access.service.empty()) {
    access.service = text_at(workload, "/spec/serviceName");
  }
  return access;
}

RedisAccess find_access(ports::KubePort& kube,
                        const std::string& namespace_,
                        const Json& workload,
                        const RedisAccess& wanted) {
  if (workload.is_null()) {
    return wanted;
  }
  ConfigMaps config_maps(kube, namespace_);
  const policy::Surroundings around =
      is_made_by_create(workload) ? policy::Surroundings{} : config_maps.surroundings();
  return access_of(workload, read_process(workload, around), wanted);
}

Result<Credentials> read_credentials(ports::KubePort& kube,
                                     const std::string& namespace_,
                                     const RedisAccess& access) {
  KREDIS_TRY(const Json secret, kube.get({k_secrets, namespace_, access.auth_secret}));
  const std::string key = access.auth_key.empty() ? password_key(secret) : access.auth_key;
  auto password = secret_value(secret, key);
  if (!password) {
    return missing_key(access.auth_secret,
                       "key \"" + (key.empty() ? "password" : key) + "\"; " + keys_of(secret));
  }
  return Credentials{
      .user = access.user.empty() ? secret_value(secret, "username").value_or("") : access.user,
      .password = *password};
}

Status check_certificates(ports::KubePort& kube,
                          const std::string& namespace_,
                          const std::string& secret,
                          const std::string& name) {
  redis::RedisOptions options;
  KREDIS_CHECK(read_certificates(kube, namespace_, {.tls_secret = secret}, options));
  return redis::check_certificate(options.tls, name);
}

Result<std::unique_ptr<ports::RedisPort>> open_redis(ports::KubePort& kube,
                                                     const std::string& namespace_,
                                                     const RedisAccess& access,
                                                     redis::Via via) {
  redis::RedisOptions options;
  if (!access.auth_secret.empty()) {
    KREDIS_TRY(Credentials login, read_credentials(kube, namespace_, access));
    options.user = std::move(login.user);
    options.password = std::move(login.password);
  } else {
    options.user = access.user;
    options.password = access.password;
  }
  if (!access.tls_secret.empty() || access.certificates != CertificateKeys{}) {
    KREDIS_CHECK(read_certificates(kube, namespace_, access, options));
  }
  return redis::make_redis(via, &kube, options);
}

}  // namespace kredis::observe
