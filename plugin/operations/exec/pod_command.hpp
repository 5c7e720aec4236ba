// SPDX-License-Identifier: Apache-2.0
//
// A command in a pod with the user's own terminal: the one place that runs kubectl, whose exec
// knows terminals, resizes and proxies. Everything else speaks to the API server itself.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/terminal/session.hpp"
#include "shared/core/result.hpp"

namespace kredis::plugin {

struct PodCommand {
  std::string namespace_ = {};
  std::string pod = {};
  std::string container = {};
  std::vector<std::string> command = {};
  /// What the command reads. Nothing: the user's own input, as a terminal where it is one.
  std::optional<std::string> input = {};
};

enum class Tty { no, yes };

/// The words of `kubectl exec`, with the flags that say which cluster and as whom.
std::vector<std::string> kubectl_words(const GlobalOptions& options,
                                       const PodCommand& command,
                                       Tty terminal);

/// Runs it and waits for its end. Returns its exit status; 128 + number for a signal.
/// Errors: not_found (there is no kubectl), internal.
Result<int> run_in_pod(const GlobalOptions& options, const PodCommand& command);

/// A command in a pod that goes on beside others; its kubectl ends with it.
class PodHelper {
 public:
  explicit PodHelper(pid_t child) : child_(child) {}
  ~PodHelper();
  PodHelper(const PodHelper&) = delete;
  PodHelper& operator=(const PodHelper&) = delete;

 private:
  pid_t child_;
};

/// Runs `command`, which has an input, until it has said a line; what it says is not shown.
/// Errors: those of run_in_pod; conflict (it ended without a word).
Result<std::unique_ptr<PodHelper>> start_in_pod(const GlobalOptions& options,
                                                const PodCommand& command);

/// Ends what run_in_pod runs at the moment.
/// Threads: may be called from any.
void stop_pod_command() noexcept;

}  // namespace kredis::plugin
