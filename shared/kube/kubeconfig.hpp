// SPDX-License-Identifier: Apache-2.0
//
// The content of kubeconfig files: reading one, merging several. What it points to (certificates,
// token files, plugins) is followed in access.hpp.
// Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::kube {

/// Larger files are refused unread.
inline constexpr std::size_t k_kubeconfig_limit_bytes = 4U << 20U;

enum class InteractiveMode { unset, never, if_available, always };

/// A credential plugin, as `user.exec` describes it.
struct ExecCommand {
  std::string api_version;
  std::string command;
  std::vector<std::string> arguments = {};
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string install_hint = {};
  bool provide_cluster_info = false;
  InteractiveMode interactive = InteractiveMode::unset;
};

/// File names in here are already absolute or relative to the working directory.
struct ClusterEntry {
  std::string server;
  std::string certificate_authority = {};
  std::string certificate_authority_data = {};  ///< Base64, as in the file.
  std::string tls_server_name = {};
  bool insecure = false;
  std::string proxy_url = {};
  std::string exec_config = {};  ///< JSON for credential plugins, from the cluster's extensions.
};

struct UserEntry {
  std::string client_certificate = {};
  std::string client_certificate_data = {};
  std::string client_key = {};
  std::string client_key_data = {};
  std::string token = {};
  std::string token_file = {};
  std::string username = {};
  std::string password = {};
  std::string impersonate = {};
  std::string impersonate_uid = {};
  std::vector<std::string> impersonate_groups = {};
  /// A key appears once for each of its values.
  std::vector<std::pair<std::string, std::string>> impersonate_extra = {};
  std::string auth_provider = {};  ///< Name of a legacy provider; such a user cannot be used.
  std::optional<ExecCommand> exec = {};
};

struct ContextEntry {
  std::string cluster;
  std::string user;
  std::string namespace_ = {};
};

struct Kubeconfig {
  std::map<std::string, ClusterEntry> clusters;
  std::map<std::string, UserEntry> users;
  std::map<std::string, ContextEntry> contexts;
  std::string current_context;
};

/// Reads the text of one kubeconfig; relative file names become relative to the folder of `file`.
/// Errors: invalid_argument, naming the file and the line.
Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& file);

/// Adds what `later` has and `first` lacks: the first file to name something wins, as in kubectl.
Kubeconfig merge_kubeconfigs(Kubeconfig first, const Kubeconfig& later);

}  // namespace kredis::kube
