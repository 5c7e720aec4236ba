// SPDX-License-Identifier: Apache-2.0
//
// Redis nodes over hiredis: how to reach them, who to be, and which certificates to believe.
// A connection never retries, so no write can be applied twice.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::redis {

/// How packets get to a node: straight to its address, or through the API server's port-forward.
enum class Via { auto_, direct, tunnel };

enum class Protocol { resp2, resp3 };

enum class Verify { chain_and_name, nothing };

struct TlsOptions {
  std::string ca_pem = {};    ///< Certificates to believe, PEM; empty means the system's own.
  std::string cert_pem = {};  ///< Ours, with its chain, for servers that ask for one; or empty.
  std::string key_pem = {};
  /// The name that the server's certificate must carry. "{pod}" and "{namespace}" are replaced by
  /// the target's; empty means the address that is dialled.
  std::string host_name = {};
  Verify verify = Verify::chain_and_name;
};

enum class Transport { plain, tls };

struct RedisOptions {
  std::string user = {};      ///< ACL user; empty means `default`.
  std::string password = {};  ///< Never part of any message.
  Transport transport = Transport::plain;
  TlsOptions tls = {};
  Protocol protocol = Protocol::resp2;  ///< resp3 is asked for, and done without where refused.
};

/// Reads a PEM file for TlsOptions.
/// Errors: not_found, invalid_argument (not PEM), both with the path.
Result<std::string> read_pem_file(const std::string& path);

/// Makes the way to reach nodes. `kube` may be null for `direct`, and must outlive the port.
/// `auto_` is direct inside a cluster (a pod with a service account) and a tunnel elsewhere: pod
/// addresses that seem reachable from outside may well be somebody else's.
/// Errors: invalid_argument (certificates that cannot be used; a tunnel without a KubePort).
Result<std::unique_ptr<ports::RedisPort>> make_redis(Via via,
                                                     ports::KubePort* kube,
                                                     const RedisOptions& options);

}  // namespace kredis::redis
