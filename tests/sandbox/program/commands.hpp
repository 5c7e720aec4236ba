// SPDX-License-Identifier: Apache-2.0
//
// What the verbs of `sandbox` do. Each prints its result on standard output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

/// A folder of this user's own in the system's temporary one.
std::string default_dir();

struct UpOptions {
  std::string dir = default_dir();
  std::size_t nodes = 3;
  std::vector<std::string> named_nodes = {};  ///< "NAME=ZONE"; replaces `nodes`.
  int port = 0;
  std::vector<std::string> images = {};  ///< "NAME=ROOTDIR"
  bool no_default_class = false;
  int eviction_seconds = 300;
  bool detach = false;
  int parent = 0;  ///< 0: whoever started us.
};

/// Starts a sandbox and runs it until it is told to end; with `detach`, returns once it runs.
Status run_up(const UpOptions& options);
Status run_down(const std::string& dir);
Status run_status(const std::string& dir);
Status run_node(const std::string& dir,
                const std::string& action,
                const std::vector<std::string>& names);

/// One port of one pod that swallows what is sent to it, as behind a firewall; 0 ends that.
struct DropOptions {
  std::string dir = default_dir();
  std::string namespace_ = "default";
  std::string pod = {};
  std::uint16_t port = 0;
};
Status run_drop(const DropOptions& options);

struct KubeconfigOptions {
  std::string dir = default_dir();
  std::string user = {};
  std::vector<std::string> groups = {};
};
Status run_kubeconfig(const KubeconfigOptions& options);

}  // namespace kredis::sandbox
