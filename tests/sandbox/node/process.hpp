// SPDX-License-Identifier: Apache-2.0
//
// Child processes of the sandbox: how one is started with nothing inherited by accident, watched,
// and looked into. What runs in a pod, and where, is decided elsewhere (jail, enter).
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
  /// Errors: internal, when descriptors run out.
  static Result<Pipe> make();
};

using Environment = std::map<std::string, std::string>;

struct SpawnRequest {
  std::vector<std::string> arguments;  ///< The program first, looked for on our own PATH.
  Environment environment;
  int input = -1;             ///< -1: /dev/null.
  int output = -1;            ///< -1: /dev/null.
  int error = -1;             ///< -1: where `output` goes.
  int status = -1;            ///< Becomes descriptor 3 of the child; -1: none.
  std::string terminal = {};  ///< A pty's path: becomes input, output and error.
};

struct Child {
  pid_t pid = -1;
  Fd exited;  ///< A pidfd: readable once the child has ended.
};

/// Starts a child in a session of its own that inherits only what is asked for.
/// Errors: internal, naming the program.
Result<Child> spawn(const SpawnRequest& request);

/// Collects a child that has ended (or waits for it). Units: as a shell says it, 128 + signal.
int exit_code_of(const Child& child);

/// The direct children of a process, whoever's namespace they live in.
std::vector<pid_t> children_of(pid_t pid);
/// Sends SIGKILL to a process and everything below it.
void kill_tree(pid_t pid);
/// Sends SIGKILL to a child and to what it is starting at this moment, which may not have asked yet
/// to die with its parent.
void kill_group(const Child& child);
/// Kills a child and collects it. What it started dies first, so that it can still collect that:
/// the first process of a container may be one that never does.
void end_child(Child& child);

}  // namespace kredis::sandbox
