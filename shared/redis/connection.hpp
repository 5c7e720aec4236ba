// SPDX-License-Identifier: Apache-2.0
//
// One authenticated connection over a descriptor that is already connected: a TCP socket, or our
// end of a tunnel. TLS runs inside either.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/redis/redis.hpp"
#include "shared/redis/tls.hpp"
#include "shared/redis/unique_fd.hpp"

namespace kredis::redis {

/// What a connection is made of. `tunnel` is null for a direct one.
struct Line {
  UniqueFd fd;
  std::unique_ptr<ports::Tunnel> tunnel = {};
  std::string who;   ///< For messages: the pod's name, or host:port.
  std::string name;  ///< What the certificate must say.
};

/// Speaks TLS if asked to, authenticates, and sees that the server answers.
/// Errors: as ports::RedisPort::connect.
Result<std::unique_ptr<ports::RedisConnection>> open_connection(
    Line line,
    const RedisOptions& options,
    const std::shared_ptr<const TlsContext>& tls,
    ports::Deadline deadline);

}  // namespace kredis::redis
