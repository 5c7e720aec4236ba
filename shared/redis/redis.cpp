// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/redis.hpp"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/redis/connection.hpp"
#include "shared/redis/dial.hpp"
#include "shared/redis/tls.hpp"

namespace kredis::redis {
namespace {

using ports::Deadline;
using ports::RedisConnection;
using ports::RedisTarget;

std::string who_is(const RedisTarget& target) {
  return target.pod.empty() ? target.host + ":" + std::to_string(target.port) : target.pod;
}

/// The name that the certificate must carry: the pattern filled in, or the address.
std::string certificate_name(const std::string& pattern, const RedisTarget& target) {
  if (pattern.empty()) {
    return target.host.empty() ? target.pod : target.host;
  }
  std::string name = pattern;
  const auto replace = [&name](std::string_view what, const std::string& with) {
    if (const auto at = name.find(what); at != std::string::npos) {
      name.replace(at, what.size(), with);
    }
  };
  replace("{pod}", target.pod);
  replace("{namespace}", target.namespace_);
  return name;
}

core::Command login_words(const RedisOptions& options) {
  if (options.password.empty()) {
    return {};
  }
  return options.user.empty() ? core::Command{"AUTH", options.password}
                              : core::Command{"AUTH2", options.user, options.password};
}

class DirectRedis : public ports::RedisPort {
 public:
  DirectRedis(RedisOptions options, std::shared_ptr<const TlsContext> tls)
      : options_(std::move(options)), tls_(std::move(tls)) {}

  Result<std::unique_ptr<RedisConnection>> connect(const RedisTarget& target,
                                                   Deadline deadline) override {
    const std::string who = who_is(target);
    if (target.host.empty()) {
      return Error::unreachable(who + " has no address yet")
          .with_hint("see why: kubectl describe pod " + who);
    }
    KREDIS_TRY(UniqueFd fd, dial(target.host, target.port, who, deadline));
    return open_connection(
        {.fd = std::move(fd), .who = who, .name = certificate_name(options_.tls.host_name, target)},
        options_,
        tls_,
        deadline);
  }

  core::Command login() const override { return login_words(options_); }

 private:
  RedisOptions options_;
  std::shared_ptr<const TlsContext> tls_;
};

class TunnelRedis : public ports::RedisPort {
 public:
  TunnelRedis(ports::KubePort& kube, RedisOptions options, std::shared_ptr<const TlsContext> tls)
      : kube_(kube), options_(std::move(options)), tls_(std::move(tls)) {}

  Result<std::unique_ptr<RedisConnection>> connect(const RedisTarget& target,
                                                   Deadline deadline) override {
    KREDIS_TRY(std::unique_ptr<ports::Tunnel> tunnel,
               kube_.open_tunnel(target.namespace_, target.pod, target.port, deadline));
    UniqueFd fd(tunnel->take_fd());
    KREDIS_CHECK(prepare_fd(fd.get()));
    return open_connection({.fd = std::move(fd),
                            .tunnel = std::move(tunnel),
                            .who = who_is(target),
                            .name = certificate_name(options_.tls.host_name, target)},
                           options_,
                           tls_,
                           deadline);
  }

  core::Command login() const override { return login_words(options_); }

 private:
  ports::KubePort& kube_;
  RedisOptions options_;
  std::shared_ptr<const TlsContext> tls_;
};

/// The environment and the file that every pod with a service account has.
bool inside_a_cluster() {
  std::error_code ignored;
  return std::getenv("KUBERNETES_SERVICE_HOST") != nullptr &&
         std::filesystem::exists("/var/run/secrets/kubernetes.io/serviceaccount/token", ignored);
}

}  // namespace

Result<std::unique_ptr<ports::RedisPort>> make_redis(Via via,
                                                     ports::KubePort* kube,
                                                     const RedisOptions& options) {
  std::shared_ptr<const TlsContext> tls;
  if (options.transport == Transport::tls) {
    KREDIS_TRY(tls, TlsContext::make(options.tls));
  }
  if (via == Via::auto_) {
    via = inside_a_cluster() ? Via::direct : Via::tunnel;
  }
  if (via == Via::direct) {
    return std::unique_ptr<ports::RedisPort>(std::make_unique<DirectRedis>(options, tls));
  }
  if (kube == nullptr) {
    return Error::invalid_argument("a tunnel to Redis needs a Kubernetes API server");
  }
  return std::unique_ptr<ports::RedisPort>(std::make_unique<TunnelRedis>(*kube, options, tls));
}

}  // namespace kredis::redis
