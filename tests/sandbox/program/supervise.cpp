// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/program/supervise.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kredis::sandbox {
namespace {

constexpr int k_end_wait_milliseconds = 10'000;
constexpr char k_ready = 'r';

Fd open_process(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

std::string read_all(const Fd& fd) {
  std::string text;
  std::array<char, 512> piece{};
  for (ssize_t count = 0; (count = ::read(fd.get(), piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.front() == k_ready) {
      break;
    }
  }
  return text;
}

void write_text(int fd, const std::string& text) {
  [[maybe_unused]] const ssize_t count = ::write(fd, text.data(), text.size());
}

// Standard streams of a process that nobody looks at.
void let_go_of_terminal() {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(nowhere, standard);
  }
}

}  // namespace

Result<EndSignals> EndSignals::block(pid_t parent) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&set, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  Fd watched = parent > 0 ? open_process(parent) : Fd();
  if (!signals || (parent > 0 && !watched)) {
    return Error::invalid_argument("there is no process " + std::to_string(parent) +
                                   " to end together with");
  }
  return EndSignals(std::move(signals), std::move(watched));
}

void EndSignals::wait(int also) const {
  std::array<pollfd, 3> waits{pollfd{signals_.get(), POLLIN, 0},
                              pollfd{also, POLLIN, 0},
                              pollfd{parent_.get(), POLLIN, 0}};  // poll ignores -1.
  while (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) {
  }
}

void Ready::say() {
  if (told_) {
    write_text(told_.get(), std::string(1, k_ready));
    let_go_of_terminal();
    told_.reset();
  }
}

Status run_detached(const std::filesystem::path& dir, const std::function<Status(Ready)>& body) {
  KREDIS_TRY(Pipe pipe, Pipe::make());
  const pid_t child = ::fork();
  if (child < 0) {
    return Error::internal("no process could be started");
  }
  if (child > 0) {
    pipe.write.reset();
    const std::string told = read_all(pipe.read);
    if (!told.empty() && told.front() == k_ready) {
      return {};
    }
    ::waitpid(child, nullptr, 0);
    const auto line = told.find('\n');
    return Error::internal(told.empty() ? "the sandbox in " + dir.string() + " ended at once"
                                        : told.substr(0, line))
        .with_hint(line == std::string::npos ? "" : told.substr(line + 1));
  }
  ::setsid();
  pipe.read.reset();
  const Fd told(::fcntl(pipe.write.get(), F_DUPFD_CLOEXEC, 0));
  const Status status = body(Ready(std::move(pipe.write)));
  if (!status) {
    write_text(told.get(), status.error().message + "\n" + status.error().hint);
  }
  // The parent's own clean-up, which this process has a copy of, must not run twice.
  ::_exit(status ? EXIT_SUCCESS : EXIT_FAILURE);
}

Status wait_for_end_of(pid_t pid) {
  const Fd process = open_process(pid);
  if (!process) {
    return {};
  }
  pollfd wait{process.get(), POLLIN, 0};
  if (::poll(&wait, 1, k_end_wait_milliseconds) == 0) {
    return Error::timeout("the sandbox (process " + std::to_string(pid) + ") has not ended yet");
  }
  return {};
}

}  // namespace kredis::sandbox
