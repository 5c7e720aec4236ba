// SPDX-License-Identifier: Apache-2.0
//
// The kubelets of all nodes in one: watches the store for pods that are bound to a node, runs them
// as processes, and lets nodes die, be cut off and come back. Streams into pods are streams.hpp's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "shared/core/result.hpp"
#include "tests/sandbox/api/streams.hpp"
#include "tests/sandbox/controllers/addresses.hpp"
#include "tests/sandbox/node/environment.hpp"
#include "tests/sandbox/node/logs.hpp"
#include "tests/sandbox/node/process.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

struct AgentOptions {
  std::filesystem::path state_dir;
  std::filesystem::path shim;  ///< libsandbox_netns.so, in the folder of the project's programs.
  AddressPlan addresses = {};
  std::map<std::string, std::filesystem::path> images = {};  ///< "redis:8.0" -> a root folder.
  std::chrono::milliseconds restart_unit{1'000};  ///< The first CrashLoopBackOff; Kubernetes: 10 s.
  Environment service_environment =
      {};  ///< Put into every container, such as KUBERNETES_SERVICE_HOST.
  TokenOf token_of = {};
};

/// Where a stream goes: a running container, by the names of this machine.
struct ContainerPlace {
  pid_t pid = -1;
  std::string container;
  Environment environment;
  int input_fd = -1;  ///< A copy that the caller closes; -1 when standard input is closed.
  bool has_terminal = false;
  std::shared_ptr<Log> log;
};

/// Threads: every member from any thread, none from inside a callback of the agent.
class NodeAgent {
 public:
  enum class Previous { no, yes };

  /// Errors: internal (state folder, network), not_found (bubblewrap or the shim is missing).
  static Result<std::unique_ptr<NodeAgent>> make(Store& store, AgentOptions options);
  ~NodeAgent();

  void start();
  /// Ends every process and leaves the objects as they are.
  void stop();

  /// exec, attach, port-forward and logs, for the API server.
  PodStreams& streams();

  /// Errors: not_found, invalid_argument (more than one container and none named), conflict (it
  /// does not run), timeout (its node cannot be reached); all in the kubelet's words.
  Result<ContainerPlace> find(const std::string& namespace_,
                              const std::string& pod,
                              const std::string& container);
  Result<std::shared_ptr<Log>> find_log(const std::string& namespace_,
                                        const std::string& pod,
                                        const std::string& container,
                                        Previous previous);
  /// The address of a pod that runs. Errors: as `find`.
  Result<std::string> find_address(const std::string& namespace_, const std::string& pod);

  /// Power off: all processes of the node die, and it falls silent.
  void kill_node(const std::string& node);
  /// Power on: its pods start again, each with a new address and one more restart.
  void start_node(const std::string& node);
  /// These nodes still reach each other, but nobody else, the control plane included.
  void partition(const std::set<std::string>& nodes);
  /// Ends every partition.
  void heal();
  /// Drops what is sent to that port of a pod; 0 ends it. Errors: not_found.
  Status drop_port(const std::string& namespace_, const std::string& pod, std::uint16_t port);
  /// False for a node that was killed or cut off: its heartbeat is missing.
  bool answers(const std::string& node) const;

 private:
  class Impl;
  explicit NodeAgent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kredis::sandbox
