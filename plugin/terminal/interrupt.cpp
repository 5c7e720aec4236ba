// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include "shared/core/error.hpp"
#include "shared/core/text.hpp"

namespace kredis::plugin {
namespace {

std::atomic<bool> g_interrupted{false};
std::mutex g_action_mutex;
std::function<void()> g_action;

/// How long a verb has to put back what it changed for the time being (a node's time-out).
constexpr auto k_grace = std::chrono::milliseconds(1500);

std::string goodbye(const std::vector<std::string>& arguments) {
  std::string command = "kubectl redis";
  for (const std::string& argument : arguments) {
    command += " " + core::shell_word(argument);
  }
  return "\ninterrupted: nothing is lost; what was done stays.\n  go on with: " + command + "\n";
}

void say(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void watch_for_interrupts(const std::vector<std::string>& arguments) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);  // The terminal is gone; what is for the time being still has to go.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([signals, text = goodbye(arguments)] {
    int received = 0;
    sigwait(&signals, &received);
    g_interrupted = true;
    say(text);
    {
      const std::lock_guard lock(g_action_mutex);
      if (g_action) {
        g_action();
      }
    }
    std::this_thread::sleep_for(k_grace);
    ::_exit(static_cast<int>(core::ExitStatus::cancelled));
  }).detach();
}

bool interrupted() noexcept { return g_interrupted; }

void on_interrupt(std::function<void()> action) {
  const std::lock_guard lock(g_action_mutex);
  g_action = std::move(action);
}

}  // namespace kredis::plugin
