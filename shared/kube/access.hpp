// SPDX-License-Identifier: Apache-2.0
//
// From flags, KUBECONFIG and service-account files to everything needed for one API server:
// where it is, how to trust it, who we are. Reads files and talks to nobody.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/kube/kubeconfig.hpp"

namespace kredis::kube {

/// What the user may say on the command line, in kubectl's words. Empty means not said.
struct KubeOptions {
  std::string kubeconfig = {};
  std::string context = {};
  std::string cluster = {};
  std::string user = {};
  std::string namespace_ = {};
  std::string server = {};
  std::string token = {};
  std::string certificate_authority = {};
  std::string tls_server_name = {};
  bool insecure = false;
  std::string as = {};
  std::vector<std::string> as_groups = {};
  /// For one call, retries included; zero for no limit, as in kubectl. A watch and a tunnel have
  /// deadlines of their own.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(30);
  /// Called for each distinct warning that the server sends. Threads: the caller's of the request.
  std::function<void(const std::string&)> on_warning = {};
};

/// What is taken from the process's surroundings; tests give their own.
struct Environment {
  std::string kubeconfig;       ///< $KUBECONFIG
  std::string home;             ///< $HOME
  std::string service_host;     ///< $KUBERNETES_SERVICE_HOST
  std::string service_port;     ///< $KUBERNETES_SERVICE_PORT
  std::string https_proxy;      ///< $HTTPS_PROXY or $https_proxy
  std::string no_proxy;         ///< $NO_PROXY or $no_proxy
  std::string service_account;  ///< Folder with token, ca.crt and namespace.

  static Environment of_process();
};

struct Access {
  std::string context;  ///< Names from the kubeconfig, for messages; empty in a cluster.
  std::string cluster;
  std::string user;
  std::string namespace_ = "default";

  std::string server;  ///< "https://host:port/prefix", never with a trailing slash.
  std::string ca_pem;  ///< Empty: the system's certificate authorities.
  std::string tls_server_name;
  bool insecure = false;
  std::string proxy_url;
  std::string exec_config;

  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;
  std::string username;
  std::string password;
  std::optional<ExecCommand> exec;
  std::string as;
  std::string as_uid;
  std::vector<std::string> as_groups;
  std::vector<std::pair<std::string, std::string>> as_extra;
};

/// Loads and merges the kubeconfig files that apply.
/// Errors: not_found (no file at all), invalid_argument (a file that cannot be read as one).
Result<Kubeconfig> load_kubeconfig(const KubeOptions& options, const Environment& environment);

/// Follows the chosen context to its end.
/// Errors: invalid_argument (no such context, cluster or user; broken data), not_found (files).
Result<Access> resolve_access(const Kubeconfig& config, const KubeOptions& options);

/// Does both, and falls back to the pod's service account where there is no kubeconfig.
Result<Access> find_access(const KubeOptions& options, const Environment& environment);

/// Reads a whole file. Errors: not_found (absent), invalid_argument (unreadable, too large).
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes);

}  // namespace kredis::kube
