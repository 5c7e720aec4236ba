// SPDX-License-Identifier: Apache-2.0
//
// How `sandbox up` lives and ends as a process: in the background or not, by a signal, with its
// parent, or asked to.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>

#include "shared/core/result.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

/// SIGINT, SIGTERM, SIGHUP and the end of a parent, as things to wait for.
class EndSignals {
 public:
  /// From here on these signals no longer end the process. Requires: called before threads start.
  /// `parent` 0 means none.
  static Result<EndSignals> block(pid_t parent);
  /// Returns once one came, the parent ended, or `also` is readable.
  void wait(int also) const;

 private:
  EndSignals(Fd signals, Fd parent) : signals_(std::move(signals)), parent_(std::move(parent)) {}
  Fd signals_;
  Fd parent_;
};

/// Tells whoever waits for it that the sandbox is ready.
class Ready {
 public:
  static Ready nobody_waits() { return Ready(Fd()); }
  explicit Ready(Fd told) : told_(std::move(told)) {}
  void say();

 private:
  Fd told_;
};

/// Runs `body` in a process of its own and returns once that said it is ready. What the body prints
/// before goes to our standard output, its errors become ours.
Status run_detached(const std::filesystem::path& dir, const std::function<Status(Ready)>& body);

/// Waits until a process is gone. Errors: timeout after ten seconds.
Status wait_for_end_of(pid_t pid);

}  // namespace kredis::sandbox
