// SPDX-License-Identifier: Apache-2.0
//
// A whole sandbox: store, API server, controllers, nodes and service proxy, put together, started
// and ended in the right order.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

struct SandboxOptions {
  std::filesystem::path dir;  ///< Made when absent, emptied and removed at the end.
  std::vector<NodeSpec> nodes;
  int port = 0;  ///< Of the API server; 0 takes a free one.
  std::map<std::string, std::filesystem::path> images = {};  ///< "redis:8" -> a root folder.
  std::filesystem::path shim;
  DefaultClass default_class = DefaultClass::present;
  std::chrono::milliseconds eviction_after{300'000};
};

/// The nodes `--nodes N` means: node-a to node-z, then node-27 and on, over three zones.
std::vector<NodeSpec> make_nodes(std::size_t count);

class Sandbox {
 public:
  /// Starts everything; on return the API server answers and DIR/kubeconfig is there.
  /// Errors: conflict (a sandbox runs in that folder, or the folder holds something else),
  /// not_found (bubblewrap is missing), unreachable (port taken), internal.
  static Result<std::unique_ptr<Sandbox>> start(SandboxOptions options);
  /// Ends every process and removes the folder.
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  std::filesystem::path kubeconfig() const;

  /// Answers one control command: {"verb": "status" | "node" | "kubeconfig" | "down", ...}.
  /// `down` makes `wants_to_end` readable.
  Result<Json> control(const Json& request);
  /// Readable once somebody asked the sandbox to end.
  int wants_to_end() const noexcept;

 private:
  struct Parts;
  explicit Sandbox(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kredis::sandbox
