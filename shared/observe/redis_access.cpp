// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/redis_access.hpp"

#include <optional>

#include "shared/core/labels.hpp"
#include "shared/kube/encoding.hpp"

namespace kredis::observe {
namespace {

const ports::ResourceType k_secrets{"v1", "secrets"};

/// The Secret behind REDISCLI_AUTH of any container.
std::string secret_of_environment(const Json& workload) {
  const Json::json_pointer containers("/spec/template/spec/containers");
  const Json list = workload.contains(containers) ? workload[containers] : Json::array();
  for (const Json& container : list) {
    const Json variables =
        container.is_object() ? container.value("env", Json::array()) : Json::array();
    for (const Json& variable : variables) {
      if (text_at(variable, "/name") == "REDISCLI_AUTH") {
        return text_at(variable, "/valueFrom/secretKeyRef/name");
      }
    }
  }
  return {};
}

/// One key of a Secret's data, decoded.
std::optional<std::string> secret_value(const Json& secret, const std::string& key) {
  const Json::json_pointer where = Json::json_pointer("/data") / key;
  return secret.contains(where) ? kube::base64_decode(text_at(secret, where)) : std::nullopt;
}

Error missing_key(const std::string& secret, const std::string& keys) {
  return Error::not_found("Secret " + secret + " has no " + keys)
      .with_hint("kubectl create secret generic " + secret + " needs that key");
}

Status read_certificates(ports::KubePort& kube,
                         const std::string& namespace_,
                         const RedisAccess& access,
                         redis::RedisOptions& options) {
  KREDIS_TRY(const Json secret, kube.get({k_secrets, namespace_, access.tls_secret}));
  const auto ca = secret_value(secret, "ca.crt");
  const auto certificate = secret_value(secret, "tls.crt");
  const auto key = secret_value(secret, "tls.key");
  if (!ca || !certificate || !key) {
    return missing_key(access.tls_secret, "keys \"ca.crt\", \"tls.crt\" and \"tls.key\"");
  }
  options.transport = redis::Transport::tls;
  options.tls = {.ca_pem = *ca, .cert_pem = *certificate, .key_pem = *key};
  if (!access.service.empty()) {
    options.tls.host_name = "{pod}." + access.service + ".{namespace}.svc.cluster.local";
  }
  return {};
}

}  // namespace

RedisAccess access_of(const Json& workload, const RedisAccess& wanted) {
  RedisAccess access = wanted;
  if (access.auth_secret.empty()) {
    access.auth_secret = annotation_of(workload, core::k_auth_secret_annotation);
  }
  if (access.auth_secret.empty()) {
    access.auth_secret = secret_of_environment(workload);
  }
  if (access.tls_secret.empty()) {
    access.tls_secret = annotation_of(workload, core::k_tls_secret_annotation);
  }
  if (access.service.empty()) {
    access.service = text_at(workload, "/spec/serviceName");
  }
  return access;
}

Result<Credentials> read_credentials(ports::KubePort& kube,
                                     const std::string& namespace_,
                                     const RedisAccess& access) {
  KREDIS_TRY(const Json secret, kube.get({k_secrets, namespace_, access.auth_secret}));
  auto password = secret_value(secret, "password");
  if (!password) {
    return missing_key(access.auth_secret, "key \"password\"");
  }
  return Credentials{
      .user = access.user.empty() ? secret_value(secret, "username").value_or("") : access.user,
      .password = *password};
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
  }
  if (!access.tls_secret.empty()) {
    KREDIS_CHECK(read_certificates(kube, namespace_, access, options));
  }
  return redis::make_redis(via, &kube, options);
}

}  // namespace kredis::observe
