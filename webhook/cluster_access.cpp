// SPDX-License-Identifier: Apache-2.0
#include "webhook/cluster_access.hpp"

#include <string>

#include "shared/kube/encoding.hpp"
#include "shared/redis/redis.hpp"

namespace kredis::webhook {
namespace {

/// The Secret behind REDISCLI_AUTH of a container.
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

std::string decoded(const Json& secret, const std::string& key) {
  return kube::base64_decode(text_at(secret, "/data/" + key)).value_or("");
}

}  // namespace

Result<std::unique_ptr<ports::RedisPort>> open_cluster(ports::KubePort& kube,
                                                       const Json& workload) {
  const std::string namespace_ = text_at(workload, "/metadata/namespace");
  std::string auth = text_at(workload, "/metadata/annotations/kubectl-redis.dev~1auth-secret");
  auth = auth.empty() ? secret_of_environment(workload) : auth;
  const std::string tls = text_at(workload, "/metadata/annotations/kubectl-redis.dev~1tls-secret");
  const ports::ResourceType secrets{"v1", "secrets"};
  redis::RedisOptions options;
  if (!auth.empty()) {
    KREDIS_TRY(const Json secret, kube.get({secrets, namespace_, auth}));
    options.user = decoded(secret, "username");
    options.password = decoded(secret, "password");
  }
  if (!tls.empty()) {
    KREDIS_TRY(const Json secret, kube.get({secrets, namespace_, tls}));
    options.transport = redis::Transport::tls;
    options.tls = {.ca_pem = decoded(secret, "ca.crt"),
                   .cert_pem = decoded(secret, "tls.crt"),
                   .key_pem = decoded(secret, "tls.key")};
    if (const std::string service = text_at(workload, "/spec/serviceName"); !service.empty()) {
      options.tls.host_name = "{pod}." + service + ".{namespace}.svc.cluster.local";
    }
  }
  return redis::make_redis(redis::Via::auto_, &kube, options);
}

}  // namespace kredis::webhook
