// SPDX-License-Identifier: Apache-2.0
//
// One run of a container: its process behind its walls, what it prints, its hooks and its probes,
// until it has ended. A restart is a new Run.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/node/action.hpp"
#include "tests/sandbox/node/jail.hpp"
#include "tests/sandbox/node/logs.hpp"
#include "tests/sandbox/node/loop.hpp"
#include "tests/sandbox/node/probe.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

struct Launch {
  JailSpec jail;
  Environment environment;
  std::string pod_address;
};

class Run {
 public:
  /// What its container wants to know.
  enum class Event { running, probe_changed, exited };
  struct Callbacks {
    std::function<void(Event)> on_event;
    /// A line for the pod's events: reason and message of a warning.
    std::function<void(const std::string& reason, const std::string& message)> warn;
  };

  /// Errors: internal when nothing could be started.
  static Result<std::unique_ptr<Run>> start(Loop& loop,
                                            const JailParts& parts,
                                            const Launch& launch,
                                            const Json& spec,
                                            std::shared_ptr<Log> log);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  /// preStop, SIGTERM, SIGKILL after `grace`; the end is told as `exited`.
  void stop(std::chrono::milliseconds grace);

  bool is_running() const noexcept { return running_; }
  bool is_started() const;
  bool is_ready() const;
  /// Requires: the `exited` event came.
  int exit_code() const noexcept { return exit_code_; }
  /// False when the program could not even be executed.
  bool was_executed() const noexcept { return executed_; }
  /// The first process, as this machine numbers it; -1 before it is known.
  pid_t pid() const noexcept { return pid_; }
  const Environment& environment() const noexcept { return environment_; }
  const std::string& container_id() const noexcept { return id_; }
  const std::string& started_at() const noexcept { return started_at_; }
  std::chrono::steady_clock::time_point began() const noexcept { return began_; }
  /// Writes to the container's standard input, when the spec keeps it open.
  int input_fd() const noexcept { return input_.get(); }
  bool has_terminal() const noexcept { return has_terminal_; }

 private:
  struct Probe {
    std::string kind;  // "Startup", "Readiness", "Liveness"
    Json handler;
    ProbeCounter counter;
    std::unique_ptr<Action> action = {};
    Loop::TimerId timer = 0;
  };

  Run(Loop& loop, Json spec, const Launch& launch, std::shared_ptr<Log> log);
  Status spawn_in_jail(const JailParts& parts, const Launch& launch);
  void read_output();
  void read_status();
  void status_line(const std::string& line);
  void await_program(pid_t pid);
  void run_post_start();
  void now_running();
  void begin_probe(const std::string& field, const std::string& kind);
  void ask(Probe& probe);
  void answered(Probe& probe, const ActionResult& result);
  void begin_later_probes();
  void end_actions();
  void kill_after(std::chrono::milliseconds delay);
  void send_signal(int signal) const;
  void finished();
  ActionTarget target() const;
  void tell(Event event);

  Loop& loop_;
  Json spec_;
  Environment environment_;
  std::string address_;
  std::shared_ptr<Log> log_;
  Callbacks callbacks_;
  Child child_;  // bubblewrap, which waits for the container's first process.
  Fd output_;
  Fd status_;
  Fd input_;
  std::string status_text_;
  pid_t pid_ = -1;
  bool running_ = false;
  bool executed_ = false;
  bool has_terminal_ = false;
  bool stopping_ = false;
  bool later_probes_begun_ = false;
  int exit_code_ = 0;
  std::string id_;
  std::string started_at_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Probe>> probes_;
  std::unique_ptr<Action> hook_;
  Loop::TimerId kill_timer_ = 0;
  Loop::TimerId setup_timer_ = 0;
  std::chrono::steady_clock::time_point kill_at_ = {};
};

}  // namespace kredis::sandbox
