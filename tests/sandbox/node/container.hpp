// SPDX-License-Identifier: Apache-2.0
//
// One container of a pod: from its image to its exit code and back again. What to do after an exit
// is the pod's decision (pod.hpp); how a run looks from inside is run.hpp's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/context.hpp"
#include "tests/sandbox/node/images.hpp"
#include "tests/sandbox/node/jail.hpp"
#include "tests/sandbox/node/logs.hpp"
#include "tests/sandbox/node/loop.hpp"
#include "tests/sandbox/node/run.hpp"

namespace kredis::sandbox {

/// What a container asks of the pod that it belongs to. Everything is called on the loop.
class ContainerHost {
 public:
  virtual ~ContainerHost() = default;
  /// Environment, mounts and walls for one more run. Errors: not_found and others, for the user.
  virtual Result<Launch> plan_launch(const Json& container, const Image& image) = 0;
  virtual void container_changed() = 0;
  virtual void tell(Severity severity, const std::string& reason, const std::string& message) = 0;
  /// "redis-app-0_default(uid)", as messages call the pod.
  virtual std::string pod_label() const = 0;
  /// What the container left in its terminationMessagePath.
  virtual std::string termination_message(const std::string& container) const = 0;
};

struct ContainerServices {
  Loop& loop;
  const ImageTable& images;
  JailParts jail;
  std::chrono::milliseconds restart_unit{1'000};
  std::filesystem::path log_dir;
};

class Container {
 public:
  enum class Phase { waiting, running, terminated };
  /// What one ended run leaves behind.
  struct Ending {
    int exit_code = 0;
    std::string reason;
    std::string message;
    std::string started_at;
    std::string finished_at;
    std::string container_id;
  };

  /// `spec` is the container's part of the pod's spec; `before` its old status, when a node came
  /// back, else null.
  Container(ContainerServices services, ContainerHost& host, Json spec, const Json& before);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// Runs it now, and tries again by itself when image or configuration are missing.
  void start();
  /// Runs it again after its exit, later the more often it happened.
  void restart();
  /// Ends it: preStop hook, SIGTERM, and SIGKILL once `grace` is over.
  void stop(std::chrono::milliseconds grace, const std::string& message);
  /// A new image in the pod's spec; counts from the next start.
  void set_spec(Json spec) { spec_ = std::move(spec); }

  const std::string& name() const noexcept { return name_; }
  const Json& spec() const noexcept { return spec_; }
  Phase phase() const noexcept { return phase_; }
  bool is_started() const;
  bool is_ready() const;
  bool is_idle() const noexcept { return !asked_to_run_; }
  bool is_stopping() const noexcept { return stopping_; }
  bool has_process() const noexcept { return run_ != nullptr; }
  int last_exit_code() const noexcept { return ending_ ? ending_->exit_code : 0; }
  /// Null unless it runs.
  const Run* run() const noexcept { return run_.get(); }
  std::shared_ptr<Log> log() const noexcept { return log_; }
  /// Of the run before; of the last one while the next is waited for.
  std::shared_ptr<Log> previous_log() const noexcept {
    return phase_ == Phase::waiting ? log_ : previous_log_;
  }
  /// Its row of containerStatuses.
  Json status() const;

 private:
  void launch(const Image& image);
  void image_missing(const Error& error);
  void wait_for(const std::string& reason, const std::string& message);
  void try_again(std::chrono::milliseconds delay);
  void on_run_event(Run::Event event);
  void exited();
  Json state() const;

  ContainerServices services_;
  ContainerHost& host_;
  Json spec_;
  std::string name_;
  Phase phase_ = Phase::waiting;
  std::string reason_ = "ContainerCreating";
  std::string message_;
  bool asked_to_run_ = false;
  bool stopping_ = false;
  std::unique_ptr<Run> run_;
  std::optional<Ending> ending_;  // Of the run that ended last.
  int restart_count_ = 0;
  int crashes_ = 0;  // Since it last ran for long; sets the next delay.
  std::chrono::milliseconds pull_delay_{0};
  std::string image_id_;
  Loop::TimerId timer_ = 0;
  std::shared_ptr<Log> log_;
  std::shared_ptr<Log> previous_log_;
};

}  // namespace kredis::sandbox
