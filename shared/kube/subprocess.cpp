// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "shared/system/posix.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the user.

namespace kredis::kube {
namespace {

/// waitpid has no deadline. The output has ended by then, so the program mostly has, too.
constexpr auto k_reap_interval = std::chrono::milliseconds(5);

/// A name once only: of two entries each program would choose for itself.
std::vector<std::string> merged_environment(const Command& command) {
  std::vector<std::string> merged;
  for (const auto& [name, value] : command.environment) {
    merged.push_back(name + "=" + value);
  }
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string entry = *each;
    bool is_replaced = false;
    for (const auto& [name, value] : command.environment) {
      is_replaced = is_replaced || entry.rfind(name + "=", 0) == 0;
    }
    if (!is_replaced) {
      merged.push_back(entry);
    }
  }
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> raw;
  for (std::string& each : texts) {
    raw.push_back(each.data());
  }
  raw.push_back(nullptr);
  return raw;
}

/// A started program; whoever forgets it kills it.
class Child {
 public:
  Child(pid_t pid, bool has_group) : pid_(pid), has_group_(has_group) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      // The whole group, as plugins are often scripts whose own children do the work.
      ::kill(has_group_ ? -pid_ : pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  Result<int> wait(Deadline deadline, const Interrupt& interrupt) {
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (interrupt.raised()) {
        return interrupted();
      }
      if (Clock::now() >= deadline) {
        return Error::timeout("did not end in time");
      }
      std::this_thread::sleep_for(k_reap_interval);
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  bool has_group_;
};

/// posix_spawn and not fork: what runs between fork and exec must not wait for a lock that another
/// thread of ours holds.
Result<pid_t> spawn(const Command& command, int output) {
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  sigset_t none{};
  sigemptyset(&none);
  // The mask and ignored signals survive exec; the plugin is to hear Ctrl-C, and to end with its
  // pipe.
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t ours{};
  sigemptyset(&ours);
  sigaddset(&ours, SIGPIPE);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  posix_spawnattr_setsigdefault(&attributes, &ours);
  if (!command.shares_terminal) {
    // A group of its own, so that the kill above takes all of it. One that shares the terminal
    // stays in ours: another group is in the background, and would be stopped as it reads
    // (SIGTTIN).
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    flags = static_cast<short>(flags | POSIX_SPAWN_SETPGROUP);
  }
  posix_spawnattr_setflags(&attributes, flags);
  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.begin(), command.program);
  std::vector<std::string> environment = merged_environment(command);
  pid_t pid = 0;
  const int code = ::posix_spawnp(&pid,
                                  command.program.c_str(),
                                  &actions,
                                  &attributes,
                                  pointers(arguments).data(),
                                  pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code == ENOENT) {
    return Error::not_found("no program '" + command.program + "'");
  }
  if (code != 0) {
    const std::string reason = std::strerror(code);  // NOLINT(concurrency-mt-unsafe)
    return Error::invalid_argument("cannot run '" + command.program + "': " + reason);
  }
  return pid;
}

Result<std::string> read_all(int fd,
                             std::size_t limit,
                             Deadline deadline,
                             const Interrupt& interrupt) {
  std::string output;
  std::array<char, 4096> buffer{};
  while (true) {
    KREDIS_CHECK(wait_ready(fd, POLLIN, deadline, interrupt));
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return output;
    }
    output.append(buffer.data(), static_cast<std::size_t>(got));
    if (output.size() > limit) {
      return Error::invalid_argument("printed more than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace

Result<Completed> run_command(const Command& command,
                              Deadline deadline,
                              const Interrupt& interrupt) {
  std::array<int, 2> ends{};
  if (ports::open_pipe(ends, ports::Blocking::yes) != 0) {
    return Error::internal("cannot make a pipe");
  }
  const Socket reader(ends[0]);
  Socket writer(ends[1]);
  KREDIS_TRY(const pid_t pid, spawn(command, writer.fd()));
  Child child(pid, !command.shares_terminal);
  // As long as we hold a writing end, the reading one never sees the end.
  writer = Socket();
  // Read before it is waited for: a program whose pipe is full does not end.
  KREDIS_TRY(std::string output,
             read_all(reader.fd(), command.output_limit_bytes, deadline, interrupt));
  KREDIS_TRY(const int status, child.wait(deadline, interrupt));
  return Completed{status, std::move(output)};
}

}  // namespace kredis::kube
