// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>

namespace kredis::sandbox {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> lines_of(const Environment& environment) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) {
    lines.push_back(name + "=" + value);
  }
  return lines;
}

/// What posix_spawn is to do with descriptors; frees itself.
class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  void open(int fd, const std::string& path, int flags) {
    posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0);
  }
  void duplicate(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void close_from(int first) { posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

void arrange_descriptors(const SpawnRequest& request, Actions& actions) {
  if (!request.terminal.empty()) {
    actions.open(0, request.terminal, O_RDWR | O_NOCTTY);
    actions.duplicate(0, 1);
    actions.duplicate(0, 2);
  } else {
    request.input >= 0 ? actions.duplicate(request.input, 0)
                       : actions.open(0, "/dev/null", O_RDONLY);
    request.output >= 0 ? actions.duplicate(request.output, 1)
                        : actions.open(1, "/dev/null", O_WRONLY);
    actions.duplicate(request.error >= 0 ? request.error : 1, 2);
  }
  if (request.status >= 0) {
    actions.duplicate(request.status, 3);
  }
  actions.close_from(request.status >= 0 ? 4 : 3);
}

}  // namespace

void Fd::reset() noexcept {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

Result<Pipe> Pipe::make() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error::internal(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<Child> spawn(const SpawnRequest& request) {
  Actions actions;
  arrange_descriptors(request, actions);
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t none{};
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t all{};
  sigfillset(&all);
  posix_spawnattr_setsigdefault(&attributes, &all);

  std::vector<std::string> arguments = request.arguments;
  std::vector<std::string> environment = lines_of(request.environment);
  Child child;
  const int error = posix_spawnp(&child.pid,
                                 arguments.front().c_str(),
                                 actions.get(),
                                 &attributes,
                                 pointers_to(arguments).data(),
                                 pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return Error::internal("cannot start " + arguments.front() + ": " + std::strerror(error));
  }
  child.exited = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  return child;
}

int exit_code_of(const Child& child) {
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return 255;
    }
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string process = std::to_string(pid);
  std::ifstream list("/proc/" + process + "/task/" + process + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) {
    children.push_back(child);
  }
  return children;
}

void kill_tree(pid_t pid) {
  const std::vector<pid_t> children = children_of(pid);
  ::kill(pid, SIGKILL);
  for (const pid_t child : children) {
    kill_tree(child);
  }
}

void kill_group(const Child& child) { ::kill(-child.pid, SIGKILL); }

void end_child(Child& child) {
  const std::vector<pid_t> below = children_of(child.pid);
  for (const pid_t process : below) {
    kill_tree(process);
  }
  if (below.empty()) {
    kill_group(child);
  }
  exit_code_of(child);
  child.pid = -1;
}

}  // namespace kredis::sandbox
