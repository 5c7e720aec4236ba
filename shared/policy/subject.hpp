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

/// A file that a container sees: the ConfigMap, or the Secret, and the key that a path leads to.
struct MountedFile {
  std::string object = {};
  std::string key = {};
  friend bool operator==(const MountedFile&, const MountedFile&) = default;
};

/// What a server's configuration is made of when it starts.
struct ConfigSource {
  std::vector<MountedFile> from = {};  ///< One behind the other.
  std::string added = {};              ///< Lines that a script writes behind them.
  std::string rewriting = {};          ///< Words of programs that change them on the way.
  bool complete = true;                ///< Nothing else adds lines.
  bool certain = true;                 ///< No other file may be read in its place.
};

/// How a container starts its server.
struct Launch {
  std::vector<std::string> words;  ///< command and args, one after the other.
  std::string server = {};         ///< redis-server or valkey-server as it is called; else empty.
  std::string config_path = {};    ///< The configuration file it is given; else empty.
  ConfigSource config = {};        ///< What that file holds by then.
  std::string folder = {};         ///< Where the server starts; empty where that is not known.
  bool seen = false;               ///< The very command was found, not only a name in a script.
  bool sure = false;               ///< All of its words are seen.
  bool sentinel = false;           ///< It is a Sentinel, and no server of keys.
  wire::RedisConf arguments = {};  ///< "--port 7000" and the like.
  std::vector<std::string> arguments_paths = {};  ///< Where each of them is in the object.
  std::vector<bool> arguments_known = {};         ///< Whether each one's value stands there.
  std::string scripts = {};  ///< Shell code that runs on the way, from the ConfigMap too.
};

/// One setting that is in force, and where it was said.
struct Setting {
  std::vector<std::string> values;
  std::string path;   ///< In this object; empty when it is said in another one.
  bool known = true;  ///< Its values stand there; no variable or template decides.
  std::string first() const { return values.empty() ? std::string{} : values.front(); }
};

class Subject {
 public:
  /// `key`: of a ConfigMap that holds several files, the one to judge.
  Subject(const Json& object, const Surroundings& around, std::string key = {});

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
  /// The same, but nothing where a variable decides, or where it may be set out of sight.
  std::optional<std::int64_t> known_number(std::string_view key, std::int64_t otherwise) const;
  /// Whether everything that the server is told can be seen.
  bool sees_configuration() const;
  /// Whether that setting, which is not seen, may be in force nevertheless.
  bool may_hide(std::string_view key) const;
  /// Why the configuration is not seen, for people; empty where it is.
  std::string hidden_because() const;
  /// Whether the server gets neither a file nor cluster mode by argument.
  bool starts_bare() const;
  /// Whether arguments added at the end reach the server. Reads the launch once more, with some.
  bool passes_on() const;

  /// The port that clients use and the one of the bus, as configured or by default; nothing where
  /// that is not known.
  std::optional<std::int64_t> client_port() const;
  std::optional<std::int64_t> bus_port() const;
  /// Where the server writes: `dir`, else its working directory; empty where that is not known.
  std::string data_dir() const;

  /// The mount that holds `path`, the longest; null where there is none.
  const Json& mount_of(std::string_view path) const;
  /// The volume of that name: of the pod, or a claim template.
  const Json& volume(std::string_view name) const;
  const Json& claim_template(std::string_view name) const;

  /// Of a ConfigMap: the workloads whose server starts from the file that is judged.
  const std::vector<Subject>& readers() const noexcept { return readers_; }
  /// Whether it was asked for one key of a ConfigMap.
  bool judges_one_file() const noexcept { return one_file_; }
  /// Of a ConfigMap: the keys that servers start from.
  const std::vector<std::string>& started_keys() const noexcept { return started_keys_; }
  /// The recognised workloads that a ConfigMap, Service or budget is for.
  const std::vector<const Json*>& workloads() const noexcept { return workloads_; }
  const Json* look_up(std::string_view kind, std::string_view name) const {
    return around_.blind() || name.empty() ? nullptr : around_.find(kind, namespace_, name);
  }
  std::vector<const Json*> all(std::string_view kind) const {
    return around_.blind() ? std::vector<const Json*>{} : around_.list(kind, namespace_);
  }

 private:
  void read_workload();
  void read_config();
  void read_text(std::string text);
  void follow_includes();
  void read_config_map();
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
  std::string key_;
  bool one_file_ = false;
  std::vector<Subject> readers_;
  std::vector<std::string> started_keys_;
  bool is_foreign_ = false;  ///< It is of a file that no object here holds.
  std::string hidden_;       ///< What part of the configuration lies where nobody here sees it.
};

/// The bit of an object's kind; 0 for kinds that no rule knows.
Kinds kind_of(const Json& object);

/// Labels, annotations or what it runs: what makes a workload one of a Redis Cluster.
bool is_cluster_workload(const Json& object, const Surroundings& around);

/// The same as far as the object itself says it, by label or annotation.
bool is_marked(const Json& object);

/// Whether a line of a file reaches the server as it stands, after what scripts do to it.
bool is_kept(const wire::RedisDirective& line, const ConfigSource& source);

/// Whether `map`, a ConfigMap, is mounted by `workload`, also as one source of several.
bool mounts_config_map(const Json& workload, std::string_view map);

/// Who made a workload and keeps it as it is: "RedisCluster cache"; empty where nobody does.
std::string owner_of(const Json& object);

/// The labels that the workload's pods carry.
std::map<std::string, std::string> pod_labels_of(const Json& workload);

}  // namespace kredis::policy
