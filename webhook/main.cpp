// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <string>
#include <vector>

#include "webhook/config.hpp"
#include "webhook/log.hpp"
#include "webhook/service.hpp"

namespace {

/// A webhook idles most of its life: memory of a burst goes back to the system. glibc would keep up
/// to eight arenas a core and, with the thresholds not set, raise them to what was freed last
/// (mallopt(3)).
void be_thrifty() {
  constexpr int k_arenas = 2;
  constexpr int k_mapped_bytes = 128 << 10;
  ::mallopt(M_ARENA_MAX, k_arenas);
  ::mallopt(M_MMAP_THRESHOLD, k_mapped_bytes);
  ::mallopt(M_TRIM_THRESHOLD, k_mapped_bytes);
}

/// Only the thread that waits for them (sigtimedwait in service.cpp) gets these; threads inherit
/// the mask, so it is set before the first. A peer that left is no reason to die.
void arrange_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  namespace webhook = kredis::webhook;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "--version")) {
    const bool is_help = arguments.front() == "--help";
    std::fputs((is_help ? webhook::usage_text() : std::string(KREDIS_VERSION "\n")).c_str(),
               stdout);
    return 0;
  }
  const auto config = webhook::read_config(arguments);
  if (!config) {
    std::fprintf(stderr,
                 "error: %s\n  fix: %s\n",
                 config.error().message.c_str(),
                 config.error().hint.c_str());
    return static_cast<int>(kredis::ExitStatus::usage);
  }
  be_thrifty();
  arrange_signals();
  webhook::Log log(config->log_level);
  const kredis::Status outcome = webhook::run_service(*config, log);
  if (!outcome) {
    log.write(webhook::LogLevel::error, "cannot run", outcome.error());
    return static_cast<int>(kredis::core::traits(outcome.error().code).exit);
  }
  return 0;
}
