// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <random>
#include <utility>

#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/pty.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::chrono::milliseconds k_after_hook{
    2'000};  // What the kubelet leaves after a late preStop.
constexpr std::chrono::milliseconds k_setup_check{2};
constexpr std::chrono::milliseconds k_hook_limit{3'600'000};

std::string random_id() {
  static std::mt19937_64 random{std::random_device{}()};
  constexpr std::string_view k_hex = "0123456789abcdef";
  std::string id = "containerd://";
  for (int digit = 0; digit < 64; ++digit) {
    id += k_hex[random() % k_hex.size()];
  }
  return id;
}

/// Reads what there is without waiting. False once the other end is closed.
bool read_available(int fd, const std::function<void(std::string_view)>& take) {
  std::array<char, 16 * 1024> buffer{};
  while (true) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) {
      return size < 0 && errno == EAGAIN;  // A terminal ends with EIO.
    }
    take({buffer.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace

Run::Run(Loop& loop, Json spec, const Launch& launch, std::shared_ptr<Log> log)
    : loop_(loop),
      spec_(std::move(spec)),
      environment_(launch.environment),
      address_(launch.pod_address),
      log_(std::move(log)),
      id_(random_id()) {}

Run::~Run() {
  end_actions();
  for (const Fd* fd : {&output_, &status_, &child_.exited}) {
    if (*fd) {
      loop_.forget(fd->get());
    }
  }
  if (child_.pid > 0) {
    send_signal(SIGKILL);
    exit_code_of(child_);  // bubblewrap ends when the container's processes have.
  }
  log_->finish();
}

Result<std::unique_ptr<Run>> Run::start(Loop& loop,
                                        const JailParts& parts,
                                        const Launch& launch,
                                        const Json& spec,
                                        std::shared_ptr<Log> log) {
  std::unique_ptr<Run> run(new Run(loop, spec, launch, std::move(log)));
  KREDIS_CHECK(run->spawn_in_jail(parts, launch));
  return run;
}

Status Run::spawn_in_jail(const JailParts& parts, const Launch& launch) {
  KREDIS_TRY(Pipe output, Pipe::make());
  KREDIS_TRY(Pipe status, Pipe::make());
  KREDIS_TRY(Pipe input, Pipe::make());
  SpawnRequest request;
  request.arguments = jail_argv(parts, launch.jail, own_privilege());
  request.environment = launch.environment;
  request.status = status.write.get();
  has_terminal_ = true_at(spec_, "tty");
  if (has_terminal_) {
    KREDIS_TRY(Pty pty, Pty::open());
    request.terminal = pty.path;
    request.environment.emplace("TERM", "xterm");
    input_ = Fd(::fcntl(pty.master.get(), F_DUPFD_CLOEXEC, 3));
    output.read = std::move(pty.master);
  } else {
    request.output = output.write.get();
    request.input = true_at(spec_, "stdin") ? input.read.get() : -1;
    input_ = true_at(spec_, "stdin") ? std::move(input.write) : Fd();
  }
  KREDIS_TRY(child_, spawn(request));
  output_ = std::move(output.read);
  status_ = std::move(status.read);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(status_.get(), F_SETFL, O_NONBLOCK);
  loop_.watch(output_.get(), [this] { read_output(); });
  loop_.watch(status_.get(), [this] { read_status(); });
  loop_.watch(child_.exited.get(), [this] { finished(); });
  return {};
}

void Run::read_output() {
  if (!read_available(output_.get(), [this](std::string_view bytes) { log_->append(bytes); })) {
    loop_.forget(output_.get());
  }
}

void Run::read_status() {
  if (!read_available(status_.get(), [this](std::string_view bytes) { status_text_ += bytes; })) {
    loop_.forget(status_.get());
  }
  while (true) {
    const std::size_t end = status_text_.find('\n');
    if (end == std::string::npos) {
      return;
    }
    const std::string line = status_text_.substr(0, end);
    status_text_.erase(0, end + 1);
    status_line(line);
  }
}

void Run::status_line(const std::string& line) {
  const Json status = Json::parse(line, nullptr, false);
  if (status.is_object() && status.contains("child-pid")) {
    await_program(status["child-pid"].get<pid_t>());
  }
  // bubblewrap tells an exit code only of a program that it could execute.
  executed_ = executed_ || (status.is_object() && status.contains("exit-code"));
}

// bubblewrap names its child before the child has put its walls up: whoever entered now would
// still be outside. Once it runs another program than bubblewrap it is in.
void Run::await_program(pid_t pid) {
  std::error_code ignored;
  const auto program_of = [&](pid_t process) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/exe", ignored);
  };
  setup_timer_ = 0;
  if (program_of(pid) == program_of(child_.pid)) {
    setup_timer_ = loop_.after(k_setup_check, [this, pid] { await_program(pid); });
    return;
  }
  pid_ = pid;
  run_post_start();
}

void Run::run_post_start() {
  const Json& hook = at(spec_, "lifecycle.postStart");
  if (hook.is_null()) {
    now_running();
    return;
  }
  hook_ = Action::start(loop_, hook, target(), k_hook_limit, [this](const ActionResult& result) {
    hook_.reset();
    if (result.ok) {
      now_running();
      return;
    }
    callbacks_.warn("FailedPostStartHook", "PostStartHook failed: " + result.output);
    stop(std::chrono::seconds(number_at(spec_, "terminationGracePeriodSeconds", 2)));
  });
}

void Run::now_running() {
  if (stopping_) {
    return;
  }
  running_ = true;
  began_ = std::chrono::steady_clock::now();
  started_at_ = format_time(std::chrono::system_clock::now());
  if (spec_.contains("startupProbe")) {
    begin_probe("startupProbe", "Startup");
  } else {
    begin_later_probes();
  }
  tell(Event::running);
}

void Run::begin_later_probes() {
  if (!std::exchange(later_probes_begun_, true)) {
    begin_probe("readinessProbe", "Readiness");
    begin_probe("livenessProbe", "Liveness");
  }
}

void Run::begin_probe(const std::string& field, const std::string& kind) {
  const auto handler = spec_.find(field);
  if (handler == spec_.end()) {
    return;
  }
  auto probe =
      std::make_unique<Probe>(Probe{kind, *handler, ProbeCounter(ProbeTiming::of(*handler))});
  Probe& begun = *probe;
  probes_.push_back(std::move(probe));
  begun.timer = loop_.after(begun.counter.timing().initial_delay, [this, &begun] { ask(begun); });
}

void Run::ask(Probe& probe) {
  const ProbeTiming& timing = probe.counter.timing();
  probe.timer = loop_.after(timing.period, [this, &probe] { ask(probe); });
  if (stopping_ || probe.action != nullptr) {
    return;  // The answer to the last one is still out; its timeout will come.
  }
  probe.action = Action::start(
      loop_, probe.handler, target(), timing.timeout, [this, &probe](const ActionResult& result) {
        answered(probe, result);
      });
}

void Run::answered(Probe& probe, const ActionResult& result) {
  probe.action.reset();
  if (stopping_) {
    return;
  }
  const auto before = probe.counter.verdict();
  const auto verdict =
      probe.counter.record(result.ok ? ProbeResult::success : ProbeResult::failure);
  if (!result.ok) {
    callbacks_.warn("Unhealthy", probe.kind + " probe failed: " + result.output);
  }
  if (verdict == before) {
    return;
  }
  if (probe.kind == "Startup" && verdict == ProbeCounter::Verdict::passing) {
    loop_.cancel(std::exchange(probe.timer, 0));
    begin_later_probes();
  }
  if (probe.kind != "Readiness" && verdict == ProbeCounter::Verdict::failing) {
    std::string kind = probe.kind;
    kind.front() = static_cast<char>(kind.front() - 'A' + 'a');
    callbacks_.warn(
        "Killing",
        "Container " + text_at(spec_, "name") + " failed " + kind + " probe, will be restarted");
    const auto own = number_at(probe.handler,
                               "terminationGracePeriodSeconds",
                               number_at(spec_, "terminationGracePeriodSeconds", 30));
    stop(std::chrono::seconds(own));
  }
  tell(Event::probe_changed);
}

bool Run::is_started() const {
  return running_ && std::all_of(probes_.begin(), probes_.end(), [](const auto& probe) {
           return probe->kind != "Startup" ||
                  probe->counter.verdict() == ProbeCounter::Verdict::passing;
         });
}

bool Run::is_ready() const {
  return is_started() && std::all_of(probes_.begin(), probes_.end(), [](const auto& probe) {
           return probe->kind != "Readiness" ||
                  probe->counter.verdict() == ProbeCounter::Verdict::passing;
         });
}

void Run::end_actions() {
  for (const auto& probe : probes_) {
    loop_.cancel(std::exchange(probe->timer, 0));
    probe->action.reset();
  }
  hook_.reset();
  loop_.cancel(kill_timer_);
  loop_.cancel(setup_timer_);
}

void Run::kill_after(std::chrono::milliseconds delay) {
  loop_.cancel(kill_timer_);
  kill_at_ = std::chrono::steady_clock::now() + delay;
  kill_timer_ = loop_.after(delay, [this] { send_signal(SIGKILL); });
}

void Run::stop(std::chrono::milliseconds grace) {
  if (stopping_) {
    // Asked again: only a shorter grace changes anything.
    if (std::chrono::steady_clock::now() + grace < kill_at_) {
      kill_after(grace);
    }
    return;
  }
  stopping_ = true;
  end_actions();
  kill_after(grace);
  const Json& hook = at(spec_, "lifecycle.preStop");
  if (hook.is_null() || pid_ < 0 || grace.count() == 0) {
    send_signal(SIGTERM);
    return;
  }
  hook_ = Action::start(loop_, hook, target(), grace, [this](const ActionResult& result) {
    hook_.reset();
    if (!result.ok) {
      callbacks_.warn("FailedPreStopHook", "PreStopHook failed: " + result.output);
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - std::chrono::steady_clock::now());
    kill_after(std::max(left, k_after_hook));
    send_signal(SIGTERM);
  });
}

void Run::send_signal(int signal) const {
  // Before the container's own process is known there is only bubblewrap to end.
  if (pid_ > 0) {
    ::kill(pid_, signal);
  } else if (child_.pid > 0) {
    kill_group(child_);
  }
}

void Run::finished() {
  read_status();
  read_output();
  log_->finish();
  exit_code_ = exit_code_of(child_);
  loop_.forget(child_.exited.get());
  child_.pid = -1;
  pid_ = -1;
  running_ = false;
  end_actions();
  tell(Event::exited);  // Last: it may destroy this.
}

ActionTarget Run::target() const {
  return {pid_, environment_, address_, spec_.value("ports", Json::array())};
}

void Run::tell(Event event) {
  const auto callback = callbacks_.on_event;
  callback(event);
}

}  // namespace kredis::sandbox
