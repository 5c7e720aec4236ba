// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's API server: Kubernetes' REST conventions over TLS, on a Store that controllers and
// nodes share. Everything behind it is in tests/sandbox/api.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/api/streams.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

/// A user and the groups he is in. The group system:masters may do everything.
struct User {
  std::string name;
  std::vector<std::string> groups = {};
};

class ApiServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    int port = 0;                   ///< 0 takes any free one.
    std::filesystem::path pki_dir;  ///< The certificate authority is kept here.
    PodStreams* streams = nullptr;  ///< Not owned; null: exec, logs and the like answer 404.
    std::string server_version = "v1.32.0";
    std::map<std::string, User> tokens = {};    ///< Static bearer tokens.
    std::vector<std::string> extra_hosts = {};  ///< More names for the certificate.
    /// A free address for a new Service; empty text leaves it to a controller.
    std::function<std::string()> allocate_cluster_ip = {};
  };

  ApiServer(Store& store, Options options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// Makes what every cluster has (default roles), listens and serves. Errors: unreachable,
  /// internal.
  Status start();
  /// Ends every connection and waits for all threads.
  void stop();

  int port() const;
  /// "https://127.0.0.1:PORT".
  std::string url() const;
  /// PEM.
  std::string ca_certificate() const;

  /// A kubeconfig with a client certificate for `user`, its certificates inline. Errors: internal.
  Result<std::string> kubeconfig(const User& user) const;
  /// The same for the administrator.
  Result<std::string> admin_kubeconfig() const;
  /// A kubeconfig with a bearer token instead.
  std::string token_kubeconfig(const std::string& token) const;
  /// A token of a ServiceAccount, good for a day.
  std::string service_account_token(const std::string& namespace_,
                                    const std::string& account) const;

  /// Creates an object as a client could: defaults, admission webhooks, checks, quota.
  /// Errors: conflict (exists), not_found (its namespace), unsafe (refused), invalid_argument.
  Result<Object> create(const Key& key, const Json& object);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kredis::sandbox
