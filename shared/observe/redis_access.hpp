// SPDX-License-Identifier: Apache-2.0
//
// From the names of Secrets to a way into a cluster's Redis nodes: password, ACL user,
// certificates.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/observe/redis_process.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/redis/redis.hpp"

namespace kredis::observe {

/// The Secrets that a cluster's pods are given; empty names mean none.
struct RedisAccess {
  std::string auth_secret = {};
  std::string auth_key = {};    ///< Of the password in it; empty where its name must be guessed.
  std::string password = {};    ///< Where redis.conf itself has it, and no Secret. Never shown.
  std::string tls_secret = {};  ///< With the keys ca.crt, tls.crt and tls.key.
  CertificateKeys certificates = {};  ///< Instead of that, as the server's own files are mounted.
  std::string user = {};              ///< ACL user; empty for the Secret's own or `default`.
  std::string service = {};           ///< Headless Service, for the name in each pod's certificate.
};

/// Which Secrets a workload's pods use: from its annotations (kubectl-redis.dev/auth-secret and
/// /tls-secret), else from what the Redis in them is told. What `wanted` names wins.
RedisAccess access_of(const Json& workload, const RedisProcess& process, const RedisAccess& wanted);

/// The same after a look at the ConfigMaps that the pods mount, where `create` did not make them.
RedisAccess find_access(ports::KubePort& kube,
                        const std::string& namespace_,
                        const Json& workload,
                        const RedisAccess& wanted);

/// What a Secret says of who logs in.
struct Credentials {
  std::string user = {};  ///< Empty for the default user.
  std::string password = {};
};

/// Reads the Secret that `access` names; its own user wins over the Secret's. Of a Secret whose key
/// nobody names, "password" is taken, else what charts call it, else its only key.
/// Errors: not_found (no such Secret, or no password in it: says which keys it has), unauthorized.
Result<Credentials> read_credentials(ports::KubePort& kube,
                                     const std::string& namespace_,
                                     const RedisAccess& access);

/// Checks what pods would start with: the certificates of that Secret, for the host `name` where it
/// is not empty.
/// Errors: as open_redis; invalid_argument (expired, of another CA, for other names).
Status check_certificates(ports::KubePort& kube,
                          const std::string& namespace_,
                          const std::string& secret,
                          const std::string& name);

/// Reads the Secrets and makes the port.
/// Errors: not_found (no such Secret, or a key is missing in it: says which), unauthorized.
Result<std::unique_ptr<ports::RedisPort>> open_redis(ports::KubePort& kube,
                                                     const std::string& namespace_,
                                                     const RedisAccess& access,
                                                     redis::Via via);

}  // namespace kredis::observe
