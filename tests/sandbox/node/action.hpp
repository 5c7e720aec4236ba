// SPDX-License-Identifier: Apache-2.0
//
// One run of what probes and hooks do: a command in the container, an HTTP request, a TCP
// connection, a pause. Runs on the loop and never blocks it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "shared/json/json.hpp"
#include "tests/sandbox/node/loop.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

struct ActionTarget {
  pid_t pid = -1;              ///< The container's first process, as this machine numbers it.
  Environment environment;     ///< The container's.
  std::string address;         ///< The pod's.
  Json ports = Json::array();  ///< The container's ports, for actions that name one.
};

struct ActionResult {
  bool ok = false;
  std::string output;  ///< What it printed, or why it failed.
};

/// A running action; destroying it ends it without an answer.
class Action {
 public:
  using Done = std::function<void(const ActionResult&)>;
  virtual ~Action() = default;

  /// Starts what `action` (a probe or hook handler) says; `done` is called once, later, on the
  /// loop, and may destroy the action.
  static std::unique_ptr<Action> start(Loop& loop,
                                       const Json& action,
                                       const ActionTarget& target,
                                       std::chrono::milliseconds timeout,
                                       Done done);
};

}  // namespace kredis::sandbox
