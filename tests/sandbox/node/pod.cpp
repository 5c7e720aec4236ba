// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/pod.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "tests/sandbox/controllers/hosts_file.hpp"
#include "tests/sandbox/node/pod_status.hpp"

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::chrono::milliseconds k_longest_volume_delay{10'000};

const Json& status_named(const Json& statuses, const std::string& name) {
  static const Json k_none;
  for (const Json& status : statuses) {
    if (text_at(status, "name") == name) {
      return status;
    }
  }
  return k_none;
}

// Of the first container that must not run as root; empty where every one may.
std::string user_asked_for(const Json& pod) {
  const Json& all = at(pod, "spec.securityContext.runAsUser");
  for (const char* list : {"spec.initContainers", "spec.containers"}) {
    for (const Json& container : at(pod, list)) {
      const Json& own = at(container, "securityContext.runAsUser");
      const Json& user = own.is_null() ? all : own;
      if (!user.is_null() && user != 0) {
        return user.dump();
      }
    }
  }
  return {};
}

bool is_sidecar(const Container& container) {
  return text_at(container.spec(), "restartPolicy") == "Always";
}

std::vector<std::string> expanded(const Json& list, const Environment& environment) {
  std::vector<std::string> texts;
  for (const Json& text : list) {
    texts.push_back(expand(text.is_string() ? text.get<std::string>() : text.dump(), environment));
  }
  return texts;
}

}  // namespace

Pod::Pod(PodServices services, Object object)
    : services_(std::move(services)),
      object_(std::move(object)),
      key_(key_of("", "pods", *object_)),
      uid_(uid_of(*object_)),
      dir_(services_.state_dir / "pods" / uid_),
      start_time_(text_at(*object_, "status.startTime")) {
  if (start_time_.empty()) {
    start_time_ = format_time(std::chrono::system_clock::now());
  }
  make_containers();
}

Pod::~Pod() {
  services_.loop.cancel(volume_timer_);
  services_.loop.cancel(deadline_timer_);
  kill_now();
}

void Pod::make_containers() {
  const ContainerServices services{
      services_.loop, services_.images, services_.jail, services_.restart_unit, log_dir()};
  const auto make = [&](const char* specs, const char* statuses, Containers& into) {
    for (Json spec : at(*object_, specs)) {
      spec["terminationGracePeriodSeconds"] =
          number_at(*object_, "spec.terminationGracePeriodSeconds", 30);
      const Json& before = status_named(at(*object_, statuses), text_at(spec, "name"));
      into.push_back(std::make_unique<Container>(services, *this, std::move(spec), before));
    }
  };
  make("spec.initContainers", "status.initContainerStatuses", init_);
  make("spec.containers", "status.containerStatuses", containers_);
}

PodFacts Pod::facts() const {
  return {*object_,
          address_,
          services_.node_address,
          [this](const std::string& resource, const std::string& name) {
            return services_.store.get({"", resource, key_.namespace_, name});
          },
          services_.token_of};
}

void Pod::update(Object object) {
  object_ = std::move(object);
  for (Containers* list : {&init_, &containers_}) {
    const Json& specs = at(*object_, list == &init_ ? "spec.initContainers" : "spec.containers");
    for (std::size_t index = 0; index < list->size() && index < specs.size(); ++index) {
      Json spec = specs[index];
      spec["terminationGracePeriodSeconds"] =
          number_at(*object_, "spec.terminationGracePeriodSeconds", 30);
      (*list)[index]->set_spec(std::move(spec));
    }
  }
  container_changed();
}

// Never announces a change itself: it runs because of one, and the status is written after it.
void Pod::advance() {
  if (over_) {
    return;
  }
  if (is_terminating(*object_) || failed_) {
    end();
    return;
  }
  if (!volumes_ready_ && !set_up_volumes()) {
    return;
  }
  initialized_ = initialized_ || advance_init_containers() == Progress::done;
  if (initialized_) {
    advance_containers();
  } else if (failed_) {
    end();
  }
}

// The pod's sandbox, in Kubernetes' words: its address and what is in /run/sandbox.
Status Pod::make_identity() {
  address_ = services_.network.take_address();
  const fs::path folder = dir_ / "identity";
  std::error_code error;
  fs::create_directories(folder, error);
  std::ofstream(folder / "address") << address_ << '\n';
  std::ofstream(folder / "hostname") << hostname_of(*object_) << '\n';
  // The names of others are there from the start, and kept in step by `reconcile_hosts_files`.
  const std::string own = own_hosts_line(*object_, address_);
  std::ofstream(folder / "own-hosts") << own;
  replace_file(folder / "hosts", own + read_file(hosts_path(services_.state_dir, key_.namespace_)));
  std::ofstream(folder / "rules").flush();  // Files to mount the real ones on.
  std::ofstream(folder / "netns.so").flush();
  return error ? Status(Error::internal("cannot make " + folder.string() + ": " + error.message()))
               : Status{};
}

bool Pod::set_up_volumes() {
  const VolumePlace place{dir_, services_.state_dir};
  for (const Json& volume : at(*object_, "spec.volumes")) {
    const std::string name = text_at(volume, "name");
    const auto folder = set_up_volume(volume, facts(), services_.store, place);
    if (!folder) {
      tell(Severity::warning,
           "FailedMount",
           "MountVolume.SetUp failed for volume \"" + name + "\" : " + folder.error().message);
      services_.loop.cancel(volume_timer_);
      volume_timer_ = services_.loop.after(volume_delay_, [this] { container_changed(); });
      volume_delay_ = std::min(volume_delay_ * 2, k_longest_volume_delay);
      return false;
    }
    volumes_[name] = *folder;
  }
  if (const Status made = make_identity(); !made) {
    tell(Severity::warning, "FailedCreatePodSandBox", made.error().message);
    return false;
  }
  volumes_ready_ = true;
  tell_what_is_ignored();
  if (const auto deadline = number_at(*object_, "spec.activeDeadlineSeconds"); deadline > 0) {
    deadline_timer_ = services_.loop.after(std::chrono::seconds(deadline), [this] {
      failed_ = true;
      container_changed();
    });
  }
  return true;
}

void Pod::tell_what_is_ignored() {
  if (const std::string user = user_asked_for(*object_); !user.empty()) {
    tell(Severity::normal,
         "RunAsUserIgnored",
         "the sandbox runs every container as root: runAsUser " + user + " is not honoured");
  }
}

void Pod::refresh_volumes() {
  if (!volumes_ready_) {
    volume_delay_ = std::chrono::milliseconds(250);
    container_changed();
    return;
  }
  for (const Json& volume : at(*object_, "spec.volumes")) {
    if (!is_payload_volume(volume)) {
      continue;
    }
    const auto payload = payload_of_volume(volume, facts());
    Payload& written = payloads_[text_at(volume, "name")];
    if (payload && *payload != written &&
        write_atomic_folder(volumes_[text_at(volume, "name")], *payload).has_value()) {
      written = *payload;
    }
  }
}

Pod::Progress Pod::advance_init_containers() {
  for (const auto& container : init_) {
    const bool succeeded =
        container->phase() == Container::Phase::terminated && container->last_exit_code() == 0;
    if (is_sidecar(*container) ? container->is_started() : succeeded && container->is_idle()) {
      continue;
    }
    settle(*container,
           is_sidecar(*container) || restart_policy() != "Never" ? "OnFailure" : "Never");
    failed_ = failed_ || (container->phase() == Container::Phase::terminated &&
                          container->is_idle() && container->last_exit_code() != 0);
    return Progress::waiting;
  }
  return Progress::done;
}

void Pod::advance_containers() {
  for (const auto& container : init_) {
    if (is_sidecar(*container)) {
      settle(*container, mains_are_over() ? "Never" : "Always");
    }
  }
  for (const auto& container : containers_) {
    settle(*container, restart_policy());
  }
  if (mains_are_over()) {
    for (const auto& container : init_) {
      container->stop(grace(), "Stopping container " + container->name());
    }
  }
}

// Starts what never ran, and again what has ended, where the policy says so.
void Pod::settle(Container& container, const std::string& policy) {
  if (!container.is_idle() || container.is_stopping()) {
    return;
  }
  if (container.phase() == Container::Phase::waiting) {
    container.start();
  } else if (policy == "Always" || (policy == "OnFailure" && container.last_exit_code() != 0)) {
    container.restart();
  }
}

std::chrono::milliseconds Pod::grace() const {
  const auto own = number_at(*object_, "spec.terminationGracePeriodSeconds", 30);
  return std::chrono::seconds(number_at(*object_, "metadata.deletionGracePeriodSeconds", own));
}

void Pod::end() {
  bool running = false;
  for (Containers* list : {&containers_, &init_}) {
    for (const auto& container : *list) {
      container->stop(grace(), "Stopping container " + container->name());
      running = running || container->has_process();
    }
  }
  if (!running && is_terminating(*object_)) {
    finish();
  }
}

// The last word: with a grace of zero the store lets the object go.
void Pod::finish() {
  if (over_ || reporting_ == Reporting::off) {
    return;
  }
  over_ = true;
  write_status();
  services_.network.release_address(address_);
  remove_files();
  static_cast<void>(services_.store.update(key_, [this](Json& pod) -> Status {
    if (uid_of(pod) == uid_) {
      pod["metadata"]["deletionGracePeriodSeconds"] = 0;
    }
    return {};
  }));
}

void Pod::kill_now() {
  over_ = true;
  containers_.clear();
  init_.clear();
  services_.network.release_address(address_);
  const Object now = services_.store.get(key_);
  if (now == nullptr || uid_of(*now) != uid_) {
    remove_files();
  }
}

void Pod::remove_files() const {
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
  fs::remove_all(log_dir(), ignored);
}

fs::path Pod::log_dir() const {
  return services_.state_dir / "logs" / (key_.namespace_ + "_" + key_.name + "_" + uid_);
}

void Pod::set_reporting(Reporting reporting) {
  reporting_ = reporting;
  if (reporting == Reporting::on) {
    container_changed();
  }
}

const Container* Pod::container(const std::string& name) const {
  for (const Containers* list : {&containers_, &init_}) {
    for (const auto& container : *list) {
      if (name.empty() || container->name() == name) {
        return container.get();
      }
    }
  }
  return nullptr;
}

std::vector<pid_t> Pod::processes() const {
  std::vector<pid_t> found;
  for (const Containers* list : {&containers_, &init_}) {
    for (const auto& container : *list) {
      if (container->run() != nullptr && container->run()->pid() > 0) {
        found.push_back(container->run()->pid());
      }
    }
  }
  return found;
}

Result<Launch> Pod::plan_launch(const Json& container, const Image& image) {
  Launch launch;
  launch.environment = services_.service_environment;
  launch.environment["PATH"] = k_path;
  launch.environment["HOSTNAME"] = hostname_of(*object_);
  launch.environment["HOME"] = "/root";
  KREDIS_TRY(const Environment own, build_environment(container, facts()));
  for (const auto& [name, value] : own) {
    launch.environment[name] = value;
  }
  launch.pod_address = address_;
  JailSpec& jail = launch.jail;
  jail.image_root = image.root;
  jail.identity_dir = dir_ / "identity";
  jail.hostname = hostname_of(*object_);
  KREDIS_TRY(jail.mounts, mounts_of(container, *object_, own, volumes_));
  for (const auto& [place, program] : image.programs) {
    jail.mounts.push_back({program, place, Access::read_only});
  }
  const std::string work_dir = text_at(container, "workingDir");
  jail.work_dir = work_dir.empty() ? image.work_dir : work_dir;
  const bool mounted = std::any_of(jail.mounts.begin(), jail.mounts.end(), [&](const Mount& mount) {
    return mount.target == jail.work_dir;
  });
  if (jail.work_dir != "/" && !mounted) {
    jail.scratch.push_back(jail.work_dir);
  }
  const fs::path message = termination_file(text_at(container, "name"));
  std::ofstream(message, std::ios::trunc).flush();
  const std::string message_path = text_at(container, "terminationMessagePath");
  jail.mounts.push_back({message, message_path.empty() ? "/dev/termination-log" : message_path});
  if (true_at(container, "securityContext.readOnlyRootFilesystem")) {
    jail.root_access = Access::read_only;
  }
  jail.argv = argv_of(image,
                      expanded(at(container, "command"), launch.environment),
                      expanded(at(container, "args"), launch.environment));
  if (jail.argv.empty()) {
    return Error::invalid_argument("no command specified");
  }
  return launch;
}

// Many changes come together: the status is written once, and the next step is taken, after them.
void Pod::container_changed() {
  if (std::exchange(status_pending_, true)) {
    return;
  }
  services_.loop.post([self = weak_from_this()] {
    if (const auto pod = self.lock()) {
      pod->status_pending_ = false;
      pod->advance();
      pod->write_status();
    }
  });
}

void Pod::tell(Severity severity, const std::string& reason, const std::string& message) {
  if (reporting_ == Reporting::off) {
    return;
  }
  static const ControllerOptions k_options;
  Context context{services_.store, k_options, std::chrono::system_clock::now()};
  record_event(context, *object_, {severity, reason, message, "kubelet"});
}

fs::path Pod::termination_file(const std::string& container) const {
  return dir_ / ("termination-" + container);
}

std::string Pod::termination_message(const std::string& container) const {
  std::ifstream in(termination_file(container));
  std::string text(4'096, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string Pod::pod_label() const { return key_.name + "_" + key_.namespace_ + "(" + uid_ + ")"; }

std::string Pod::restart_policy() const {
  const std::string policy = text_at(*object_, "spec.restartPolicy");
  return policy.empty() ? "Always" : policy;
}

bool Pod::mains_are_over() const {
  return initialized_ &&
         std::all_of(containers_.begin(), containers_.end(), [this](const auto& container) {
           const bool ended =
               container->phase() == Container::Phase::terminated && container->is_idle();
           const bool again = restart_policy() == "Always" ||
                              (restart_policy() == "OnFailure" && container->last_exit_code() != 0);
           return ended && !again;
         });
}

std::string Pod::phase() const {
  if (failed_) {
    return "Failed";
  }
  if (mains_are_over()) {
    const bool good =
        std::all_of(containers_.begin(), containers_.end(), [](const auto& container) {
          return container->last_exit_code() == 0;
        });
    return good ? "Succeeded" : "Failed";
  }
  const bool began = std::any_of(containers_.begin(), containers_.end(), [](const auto& container) {
    return container->phase() != Container::Phase::waiting || container->last_exit_code() != 0 ||
           container->log() != nullptr;
  });
  return began ? "Running" : "Pending";
}

void Pod::write_status() {
  if (reporting_ == Reporting::off) {
    return;
  }
  PodReport report{.phase = phase(),
                   .pod_address = address_,
                   .node_address = services_.node_address,
                   .start_time = start_time_,
                   .initialized = initialized_};
  for (const auto& container : init_) {
    report.init_statuses.push_back(container->status());
  }
  for (const auto& container : containers_) {
    report.container_statuses.push_back(container->status());
    Json& state = report.container_statuses.back()["state"];
    if (!initialized_ && !init_.empty() && state.contains("waiting")) {
      state["waiting"]["reason"] = "PodInitializing";
    }
  }
  const auto now = std::chrono::system_clock::now();
  // A pod that is gone, or another of its name, needs no report from this one.
  static_cast<void>(services_.store.update(key_, [&](Json& pod) -> Status {
    if (uid_of(pod) == uid_) {
      write_report(pod, report, now);
    }
    return {};
  }));
}

}  // namespace kredis::sandbox
