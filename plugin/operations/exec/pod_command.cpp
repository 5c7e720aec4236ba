// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/exec/pod_command.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "shared/redis/unique_fd.hpp"
#include "shared/system/posix.hpp"

// macOS declares it nowhere.
extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kredis::plugin {
namespace {

std::atomic<pid_t> g_child{0};

void add_flag(std::vector<std::string>& words, const std::string& flag, const std::string& value) {
  if (!value.empty()) {
    words.push_back(flag + "=" + value);
  }
}

/// The signals that this process keeps for itself are the child's again.
class SpawnSetup {
 public:
  /// Ends of pipes, or -1 for this process's own input and output.
  explicit SpawnSetup(int input, int output = -1) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t usual = none;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
      sigaddset(&usual, signal);
    }
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (input >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    }
    if (output >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    }
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  Result<pid_t> spawn(const std::vector<std::string>& words) const {
    std::vector<std::string> copy = words;
    std::vector<char*> arguments;
    for (std::string& word : copy) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failure = ::posix_spawnp(
        &child, arguments.front(), &actions_, &attributes_, arguments.data(), environ);
    if (failure == ENOENT) {
      return Error::not_found("there is no kubectl on the PATH, which opens the session")
          .with_hint("install kubectl, or run the command from where it is");
    }
    if (failure != 0) {
      return Error::internal(std::string("cannot run kubectl: ") + std::strerror(failure));
    }
    return child;
  }

 private:
  posix_spawnattr_t attributes_ = {};
  posix_spawn_file_actions_t actions_ = {};
};

void write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) {
      return;  // It ended early; its exit status tells.
    }
    at += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
}

struct Pipe {
  redis::UniqueFd reading;
  redis::UniqueFd writing;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (ports::open_pipe(ends, ports::Blocking::yes) != 0) {
    return Error::internal(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  return Pipe{redis::UniqueFd(ends[0]), redis::UniqueFd(ends[1])};
}

/// Whether a line came before the end.
bool says_a_line(int fd) {
  char c = 0;
  ssize_t got = 0;
  while ((got = ::read(fd, &c, 1)) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0 && c == '\n') {
      return true;
    }
  }
  return false;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::vector<std::string> kubectl_words(const GlobalOptions& options,
                                       const PodCommand& command,
                                       Tty terminal) {
  std::vector<std::string> words{"kubectl"};
  const std::vector<std::string> flags = kubectl_flags(options);
  words.insert(words.end(), flags.begin(), flags.end());
  words.insert(words.end(), {"exec", "--quiet", "--stdin"});
  if (terminal == Tty::yes) {
    words.emplace_back("--tty");
  }
  add_flag(words, "--namespace", command.namespace_);
  add_flag(words, "--container", command.container);
  words.push_back(command.pod);
  words.emplace_back("--");
  words.insert(words.end(), command.command.begin(), command.command.end());
  return words;
}

Result<int> run_in_pod(const GlobalOptions& options, const PodCommand& command) {
  const bool terminal =
      !command.input && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  Pipe input;
  if (command.input) {
    KREDIS_TRY(input, open_pipe());
  }
  const SpawnSetup setup(input.reading.get());
  KREDIS_TRY(const pid_t child,
             setup.spawn(kubectl_words(options, command, terminal ? Tty::yes : Tty::no)));
  g_child = child;
  input.reading = redis::UniqueFd();
  if (command.input) {
    write_all(input.writing.get(), *command.input);
    input.writing = redis::UniqueFd();
  }
  const int exit = wait_for(child);
  g_child = 0;
  return exit;
}

PodHelper::~PodHelper() {
  ::kill(child_, SIGTERM);
  wait_for(child_);
}

Result<std::unique_ptr<PodHelper>> start_in_pod(const GlobalOptions& options,
                                                const PodCommand& command) {
  KREDIS_TRY(Pipe input, open_pipe());
  KREDIS_TRY(Pipe output, open_pipe());
  const SpawnSetup setup(input.reading.get(), output.writing.get());
  KREDIS_TRY(const pid_t child, setup.spawn(kubectl_words(options, command, Tty::no)));
  auto helper = std::make_unique<PodHelper>(child);
  input.reading = redis::UniqueFd();
  output.writing = redis::UniqueFd();
  write_all(input.writing.get(), command.input.value_or(""));
  input.writing = redis::UniqueFd();
  if (!says_a_line(output.reading.get())) {
    return Error::conflict("a command in pod " + command.pod + " ended early");
  }
  return helper;
}

void stop_pod_command() noexcept {
  const pid_t child = g_child;
  if (child > 0) {
    ::kill(child, SIGTERM);
  }
}

}  // namespace kredis::plugin
