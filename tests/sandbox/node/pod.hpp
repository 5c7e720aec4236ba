// SPDX-License-Identifier: Apache-2.0
//
// One pod on its node: volumes, address, init containers, containers, and their end. Looks at
// everything again after each change and does the next thing (`advance`).
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/node/container.hpp"
#include "tests/sandbox/node/network.hpp"
#include "tests/sandbox/node/volumes.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

struct PodServices {
  Store& store;
  Loop& loop;
  Network& network;
  const ImageTable& images;
  JailParts jail;
  std::filesystem::path state_dir;
  std::string node_address;
  std::chrono::milliseconds restart_unit{1'000};
  Environment service_environment;  ///< KUBERNETES_SERVICE_HOST and such.
  TokenOf token_of = {};
};

/// Threads: the loop's only.
class Pod : public ContainerHost, public std::enable_shared_from_this<Pod> {
 public:
  Pod(PodServices services, Object object);
  ~Pod() override;
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  /// Takes the object's new state: deletion, images, labels.
  void update(Object object);
  /// Writes changed ConfigMaps and Secrets into the running pod, and tries volumes that failed.
  void refresh_volumes();
  /// Ends all processes at once and says nothing to anybody: the node is gone, or the object is.
  void kill_now();
  /// Whether what happens is written to the store; not while the node is cut off.
  enum class Reporting { off, on };
  void set_reporting(Reporting reporting);

  const Json& object() const { return *object_; }
  const std::string& uid() const noexcept { return uid_; }
  const std::string& address() const noexcept { return address_; }
  bool is_over() const noexcept { return over_; }
  /// Null when there is none of that name; the first container for an empty name.
  const Container* container(const std::string& name) const;
  std::vector<pid_t> processes() const;

  // ContainerHost.
  Result<Launch> plan_launch(const Json& container, const Image& image) override;
  void container_changed() override;
  void tell(Severity severity, const std::string& reason, const std::string& message) override;
  std::string pod_label() const override;
  std::string termination_message(const std::string& container) const override;

 private:
  using Containers = std::vector<std::unique_ptr<Container>>;
  enum class Progress { waiting, done };

  /// Does the next thing that can be done now.
  void advance();
  PodFacts facts() const;
  void make_containers();
  Status make_identity();
  void tell_what_is_ignored();
  bool set_up_volumes();
  Progress advance_init_containers();
  void advance_containers();
  void settle(Container& container, const std::string& policy);
  void end();
  void finish();
  std::chrono::milliseconds grace() const;
  void write_status();
  void remove_files() const;
  std::filesystem::path termination_file(const std::string& container) const;
  std::filesystem::path log_dir() const;
  std::string phase() const;
  std::string restart_policy() const;
  bool mains_are_over() const;

  PodServices services_;
  Object object_;
  Key key_;
  std::string uid_;
  std::filesystem::path dir_;
  std::string address_;
  std::map<std::string, std::filesystem::path> volumes_;
  std::map<std::string, Payload> payloads_;
  bool volumes_ready_ = false;
  bool initialized_ = false;
  bool failed_ = false;  // An init container failed for good, or the deadline passed.
  bool over_ = false;
  bool status_pending_ = false;
  Reporting reporting_ = Reporting::on;
  std::chrono::milliseconds volume_delay_{250};
  Loop::TimerId volume_timer_ = 0;
  Loop::TimerId deadline_timer_ = 0;
  std::string start_time_;
  Containers init_;
  Containers containers_;
};

}  // namespace kredis::sandbox
