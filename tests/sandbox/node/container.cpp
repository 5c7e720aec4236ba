// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/container.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tests/sandbox/node/probe.hpp"

namespace kredis::sandbox {
namespace {

constexpr int k_start_error = 128;      // runc's exit code for what could not be executed.
constexpr int k_units_to_forgive = 60;  // Run that many restart units and crashes are forgotten.
constexpr std::chrono::milliseconds k_longest_pull_delay{10'000};
constexpr std::chrono::milliseconds k_config_retry{1'000};

std::string now_text() { return format_time(std::chrono::system_clock::now()); }

Json terminated_state(const Container::Ending& ending) {
  Json state = {{"exitCode", ending.exit_code},
                {"reason", ending.reason},
                {"finishedAt", ending.finished_at},
                {"containerID", ending.container_id}};
  state["startedAt"] = ending.started_at.empty() ? ending.finished_at : ending.started_at;
  if (!ending.message.empty()) {
    state["message"] = ending.message;
  }
  return {{"terminated", std::move(state)}};
}

std::string in_words(std::chrono::milliseconds delay) {
  const auto seconds = delay.count() / 1'000;
  return seconds > 0 ? std::to_string(seconds) + "s" : std::to_string(delay.count()) + "ms";
}

}  // namespace

Container::Container(ContainerServices services, ContainerHost& host, Json spec, const Json& before)
    : services_(std::move(services)),
      host_(host),
      spec_(std::move(spec)),
      name_(text_at(spec_, "name")) {
  const std::string old_id = text_at(before, "containerID");
  restart_count_ = static_cast<int>(number_at(before, "restartCount"));
  if (!old_id.empty()) {
    // It ran on this node before the node went down.
    ++restart_count_;
    ending_ = Ending{.exit_code = 255,
                     .reason = "Unknown",
                     .message = {},
                     .started_at = text_at(before, "state.running.startedAt"),
                     .finished_at = now_text(),
                     .container_id = old_id};
  }
}

Container::~Container() { services_.loop.cancel(timer_); }

void Container::start() {
  asked_to_run_ = true;
  timer_ = 0;
  const std::string image_name = text_at(spec_, "image");
  const auto image = services_.images.find(image_name);
  if (!image) {
    image_missing(image.error());
    return;
  }
  if (std::exchange(pull_delay_, {}).count() > 0 || image_id_.empty()) {
    host_.tell(Severity::normal,
               "Pulled",
               "Container image \"" + image_name + "\" already present on machine");
  }
  image_id_ = "docker.io/library/" + image_name.substr(0, image_name.find(':')) +
              "@sha256:" + short_hash(image_name);
  launch(*image);
}

void Container::image_missing(const Error& error) {
  const std::string image = text_at(spec_, "image");
  // The kubelet's two reasons alternate: the attempt, then the wait for the next.
  const bool first = pull_delay_.count() == 0;
  pull_delay_ = first ? services_.restart_unit : std::min(pull_delay_ * 2, k_longest_pull_delay);
  host_.tell(Severity::normal, "Pulling", "Pulling image \"" + image + "\"");
  host_.tell(
      Severity::warning, "Failed", "Failed to pull image \"" + image + "\": " + error.message);
  host_.tell(Severity::warning, "Failed", "Error: ErrImagePull");
  wait_for("ErrImagePull", error.message);
  services_.loop.cancel(timer_);
  timer_ = services_.loop.after(pull_delay_ / 2, [this, image, text = error.message] {
    host_.tell(Severity::normal, "BackOff", "Back-off pulling image \"" + image + "\"");
    host_.tell(Severity::warning, "Failed", "Error: ImagePullBackOff");
    wait_for("ImagePullBackOff", "Back-off pulling image \"" + image + "\": ErrImagePull: " + text);
    timer_ = services_.loop.after(pull_delay_ / 2, [this] { start(); });
  });
}

void Container::wait_for(const std::string& reason, const std::string& message) {
  phase_ = Phase::waiting;
  reason_ = reason;
  message_ = message;
  host_.container_changed();
}

void Container::try_again(std::chrono::milliseconds delay) {
  services_.loop.cancel(timer_);
  timer_ = services_.loop.after(delay, [this] { start(); });
}

void Container::launch(const Image& image) {
  const auto plan = host_.plan_launch(spec_, image);
  if (!plan) {
    host_.tell(Severity::warning, "Failed", "Error: " + plan.error().message);
    try_again(k_config_retry);
    wait_for("CreateContainerConfigError", plan.error().message);
    return;
  }
  previous_log_ = log_;
  log_ =
      std::make_shared<Log>(services_.log_dir / name_ / (std::to_string(restart_count_) + ".log"));
  auto run = Run::start(services_.loop, services_.jail, *plan, spec_, log_);
  if (!run) {
    host_.tell(Severity::warning, "Failed", "Error: " + run.error().message);
    try_again(k_config_retry);
    wait_for("CreateContainerError", run.error().message);
    return;
  }
  host_.tell(Severity::normal, "Created", "Created container: " + name_);
  run_ = std::move(*run);
  run_->set_callbacks(
      {[this](Run::Event event) { on_run_event(event); },
       [this](const std::string& reason, const std::string& message) {
         host_.tell(reason == "Killing" ? Severity::normal : Severity::warning, reason, message);
       }});
}

void Container::on_run_event(Run::Event event) {
  switch (event) {
    case Run::Event::running:
      phase_ = Phase::running;
      host_.tell(Severity::normal, "Started", "Started container " + name_);
      break;
    case Run::Event::probe_changed:
      break;
    case Run::Event::exited:
      exited();
      break;
  }
  host_.container_changed();
}

void Container::exited() {
  const std::unique_ptr<Run> run = std::move(run_);
  Ending ending{.exit_code = run->exit_code(),
                .reason = {},
                .message = {},
                .started_at = run->started_at(),
                .finished_at = now_text(),
                .container_id = run->container_id()};
  ending.reason = ending.exit_code == 0 ? "Completed" : "Error";
  ending.message = host_.termination_message(name_);
  if (!run->was_executed() && ending.exit_code == 1) {
    // bubblewrap said why before it gave up; in a pod's words this is runc's complaint.
    const std::string why = log_->tail(1, 1'024);
    ending.exit_code = k_start_error;
    ending.reason = "StartError";
    ending.message =
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
        "runc create failed: unable to start container process: " +
        why;
    host_.tell(Severity::warning, "Failed", "Error: " + ending.message);
  } else if (ending.exit_code != 0 && ending.message.empty() &&
             text_at(spec_, "terminationMessagePolicy") == "FallbackToLogsOnError") {
    ending.message = log_->tail(80, 2'048);
  }
  const auto ran = std::chrono::steady_clock::now() - run->began();
  crashes_ = ran > services_.restart_unit * k_units_to_forgive ? 0 : crashes_;
  ending_ = std::move(ending);
  phase_ = Phase::terminated;
  asked_to_run_ = false;
}

void Container::restart() {
  if (asked_to_run_ || stopping_) {
    return;
  }
  asked_to_run_ = true;
  ++restart_count_;
  const auto delay = restart_delay(crashes_++, services_.restart_unit);
  if (delay.count() == 0) {
    start();
    return;
  }
  const std::string label = "container=" + name_ + " pod=" + host_.pod_label();
  host_.tell(Severity::warning,
             "BackOff",
             "Back-off restarting failed container " + name_ + " in pod " + host_.pod_label());
  try_again(delay);
  wait_for("CrashLoopBackOff", "back-off " + in_words(delay) + " restarting failed " + label);
}

void Container::stop(std::chrono::milliseconds grace, const std::string& message) {
  const bool first = !std::exchange(stopping_, true);
  services_.loop.cancel(std::exchange(timer_, 0));
  if (run_ != nullptr) {
    if (first) {
      host_.tell(Severity::normal, "Killing", message);
    }
    run_->stop(grace);
    return;
  }
  asked_to_run_ = false;
}

bool Container::is_started() const { return run_ != nullptr && run_->is_started(); }

bool Container::is_ready() const { return run_ != nullptr && run_->is_ready(); }

Json Container::state() const {
  switch (phase_) {
    case Phase::running:
      return {{"running", {{"startedAt", run_ != nullptr ? run_->started_at() : now_text()}}}};
    case Phase::terminated:
      return terminated_state(*ending_);
    case Phase::waiting:
      break;
  }
  Json waiting = {{"reason", reason_}};
  if (!message_.empty()) {
    waiting["message"] = message_;
  }
  return {{"waiting", std::move(waiting)}};
}

Json Container::status() const {
  Json status = {{"name", name_},
                 {"image", text_at(spec_, "image")},
                 {"imageID", image_id_},
                 {"restartCount", restart_count_},
                 {"ready", is_ready()},
                 {"started", is_started()},
                 {"state", state()},
                 {"lastState", Json::object()}};
  if (run_ != nullptr) {
    status["containerID"] = run_->container_id();
  } else if (ending_) {
    status["containerID"] = ending_->container_id;
  }
  if (ending_ && phase_ != Phase::terminated) {
    status["lastState"] = terminated_state(*ending_);
  }
  return status;
}

}  // namespace kredis::sandbox
