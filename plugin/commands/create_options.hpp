// SPDX-License-Identifier: Apache-2.0
//
// The flags of `create` and the cluster description that they amount to.
#pragma once

#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/manifest/cluster_spec.hpp"

namespace CLI {
class App;
}

namespace kredis::plugin {

struct CreateOptions {
  manifest::ClusterSpec spec = {};  ///< What maps one to one.
  std::string storage_class = {};
  std::string access_mode = {};
  bool ephemeral = false;
  bool zone_spread = false;
  std::string config_file = {};
  std::vector<std::string> settings = {};
  std::vector<std::string> requests = {};
  std::vector<std::string> limits = {};
  std::vector<std::string> labels = {};
  std::vector<std::string> annotations = {};
  std::vector<std::string> node_selector = {};
  std::vector<std::string> tolerations = {};
  std::string anti_affinity = "preferred";
  std::string layout = "statefulset";
  std::string access = "ClusterIP";
  std::string external = {};
  std::string client_endpoint = "hostname";

  std::string timeout = "5m";
  std::string dry_run = "none";
  std::string output = {};
  bool no_init = false;
  bool yes = false;
};

void add_create_flags(CLI::App& verb, CreateOptions& options);

/// Reads the config file and the pairs. Does not judge the result; manifest::check does.
/// Errors: invalid_argument (a pair without "=", a file that is missing, binary or too large).
Result<manifest::ClusterSpec> spec_of(const CreateOptions& options, const std::string& namespace_);

}  // namespace kredis::plugin
