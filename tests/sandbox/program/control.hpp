// SPDX-License-Identifier: Apache-2.0
//
// How commands reach a running sandbox: one line of JSON each way over a Unix socket in its folder.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

/// Answers one request. Called on the control thread, one at a time.
using ControlHandler = std::function<Result<Json>(const Json& request)>;

class ControlServer {
 public:
  /// Errors: invalid_argument (the path is too long for a socket), unreachable.
  static Result<std::unique_ptr<ControlServer>> open(const std::filesystem::path& socket,
                                                     ControlHandler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(Fd listener, Pipe stop, ControlHandler handler);
  void run() const;
  void serve(const Fd& client) const;

  Fd listener_;
  Pipe stop_;
  ControlHandler handler_;
  std::thread thread_;
};

/// Asks the sandbox behind `socket`.
/// Errors: not_found when none runs there; what the handler answered.
Result<Json> ask_sandbox(const std::filesystem::path& socket, const Json& request);

}  // namespace kredis::sandbox
