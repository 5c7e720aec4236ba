// SPDX-License-Identifier: Apache-2.0
//
// An object as rules look at it: the parts that matter found once, and those it works with looked
// up. For the files of this layer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/policy/json_access.hpp"
#include "shared/policy/names.hpp"
#include "shared/policy/rule.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::policy {

/// How a container starts its server.
struct Launch {
  std::vector<std::string> words;  ///< command and args, one after the other.
  std::string server = {};         ///< redis-server or valkey-server as it is called; else empty.
  std::string config_path = {};    ///< The configuration file it is given; else empty.
  bool direct = false;             ///< Arguments added at the end reach the server.
  wire::RedisConf arguments = {};  ///< "--port 7000" and the like.
  std::vector<std::string> arguments_paths = {};  ///< Where each of them is in the object.
  std::string scripts = {};  ///< Shell text that runs on the way, from the ConfigMap too.
};

/// A file that a container sees: the ConfigMap, or the Secret, and the key that a path leads to.
struct MountedFile {
  std::string object = {};
  std::string key = {};
};

/// One setting that is in force, and where it was said.
struct Setting {
  std::vector<std::string> values;
  std::string path;  ///< In this object; empty when it is said in another one.
  std::string first() const { return values.empty() ? std::string{} : values.front(); }
};

class Subject {
 public:
  Subject(const Json& object, const Surroundings& around);

  const Json& object() const noexcept { return object_; }
  const Surroundings& around() const noexcept { return around_; }
  Kinds kind() const noexcept { return kind_; }
  bool is_workload() const noexcept { return (kind_ & k_workload) != 0; }
  const std::string& name() const noexcept { return name_; }
  const std::string& namespace_name() const noexcept { return namespace_; }
  /// The cluster's name, from labels or the object's own name.
  const std::string& cluster() const noexcept { return cluster_; }
  /// Whether the annotation says so.
  std::string annotation(std::string_view key) const;
  /// Whether `create` made it, which decides some matters by its own flags.
  bool made_by_create() const;

  /// The spec of the pods, and of the container that runs Redis; null where there is none.
  const Json& pod() const;
  static std::string pod_path() { return "/spec/template/spec"; }
  const Json& container() const;
  std::string container_path() const;
  std::map<std::string, std::string> pod_labels() const;
  const Launch& launch() const noexcept { return launch_; }

  /// redis.conf: of the ConfigMap itself, or of the one that a workload mounts, where it can be
  /// seen.
  const std::optional<wire::RedisConf>& config() const noexcept { return config_; }
  const std::string& config_text() const noexcept { return config_text_; }
  /// Which ConfigMap and key it is, of a workload that mounts it; empty where none is seen.
  const MountedFile& config_file() const noexcept { return config_file_; }
  const std::string& config_error() const noexcept { return config_error_; }
  /// Where its text is in a ConfigMap.
  const std::string& config_text_path() const noexcept { return config_text_path_; }
  /// What is in force: an argument before the file, the last line before others.
  std::optional<Setting> setting(std::string_view key) const;
  /// As a number of that setting, or `otherwise` where it is not set or none.
  std::int64_t number_of(std::string_view key, std::int64_t otherwise) const;
  /// Whether everything that the server is told can be seen.
  bool sees_configuration() const;

  /// The port that clients use and the one of the bus, as configured or by default.
  std::int64_t client_port() const;
  std::int64_t bus_port() const;
  /// Where the server's data lies: `dir`, else where the product would put it.
  std::string data_dir() const;

  /// The mount that holds `path`, the longest; null where there is none.
  const Json& mount_of(std::string_view path) const;
  /// The volume of that name: of the pod, or a claim template.
  const Json& volume(std::string_view name) const;
  const Json& claim_template(std::string_view name) const;

  /// The recognised workloads that a ConfigMap, Service or budget is for.
  const std::vector<const Json*>& workloads() const noexcept { return workloads_; }
  const Json* look_up(std::string_view kind, std::string_view name) const;
  std::vector<const Json*> all(std::string_view kind) const;

 private:
  void read_workload();
  void read_config_map(const Json& map, std::string_view key);
  void find_workloads();

  const Json& object_;
  const Surroundings& around_;
  Kinds kind_ = 0;
  std::string name_;
  std::string namespace_;
  std::string cluster_;
  std::size_t container_ = 0;
  Launch launch_;
  std::optional<wire::RedisConf> config_;
  std::string config_text_;
  MountedFile config_file_;
  std::string config_error_;
  std::string config_text_path_;
  std::vector<const Json*> workloads_;
};

/// The bit of an object's kind; 0 for kinds that no rule knows.
Kinds kind_of(const Json& object);

/// Labels, annotations or what it runs: what makes a workload one of a Redis Cluster.
bool is_cluster_workload(const Json& object, const Surroundings& around);

/// The same as far as the object itself says it, by label or annotation.
bool is_marked(const Json& object);

/// Whether `map`, a ConfigMap, is mounted by `workload`.
bool mounts_config_map(const Json& workload, std::string_view map);

/// The labels that the workload's pods carry.
std::map<std::string, std::string> pod_labels_of(const Json& workload);

}  // namespace kredis::policy
