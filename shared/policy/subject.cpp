// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/subject.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/launch.hpp"
#include "shared/policy/launch_reader.hpp"

namespace kredis::policy {
namespace {

const Json& pod_of(const Json& workload) { return member(workload, {"spec", "template", "spec"}); }

std::string without_end(const std::string& text, std::string_view end) {
  return text.size() > end.size() && text.ends_with(end) ? text.substr(0, text.size() - end.size())
                                                         : text;
}

/// The recommended label comes first, as charts and `create` set it; the article's has "-cluster"
/// behind the name.
std::string cluster_name(const Json& object) {
  // `merge` keeps what is there: the object's own labels win over its pods'.
  auto labels = texts(member(object, {"metadata", "labels"}));
  labels.merge(pod_labels_of(object));
  labels.merge(texts(member(object, {"spec", "selector", "matchLabels"})));
  for (const std::string_view key : {k_instance_label, k_cluster_label, k_article_label}) {
    const auto label = labels.find(std::string(key));
    if (label != labels.end() && !label->second.empty()) {
      return without_end(label->second, "-cluster");
    }
  }
  return without_end(text(member(object, {"metadata", "name"})), "-app");
}

const Json& named(const Json& list, std::string_view name) {
  for (const Json& each : items(list)) {
    if (text(member(each, {"name"})) == name) {
      return each;
    }
  }
  return member(list, {"none"});
}

/// The keys of a ConfigMap that may be the server's configuration, the likeliest first.
std::string config_key(const Json& map) {
  const auto data = texts(member(map, {"data"}));
  if (data.contains(std::string(k_config_key))) {
    return std::string(k_config_key);
  }
  // Charts name the file as they like, and a ConfigMap may hold others beside it.
  const auto found =
      std::ranges::find_if(data, [](const auto& each) { return enables_cluster(each.second); });
  return found == data.end() ? std::string{} : found->first;
}

/// Whether a workload's server runs in cluster mode, as far as can be seen.
/// An unlabelled workload is recognised by this alone, so a Redis without cluster mode is left in
/// peace.
bool runs_cluster(const Json& object, const Surroundings& around) {
  const Subject subject(object, around);
  if (subject.launch().server.empty()) {
    return false;
  }
  const auto setting = subject.setting("cluster-enabled");
  if (setting && setting->known) {
    return core::to_lower(setting->first()) == "yes";
  }
  return subject.launch().scripts.find("cluster-enabled yes") != std::string::npos;
}

}  // namespace

bool is_kept(const wire::RedisDirective& line, const ConfigSource& source) {
  return std::ranges::none_of(
             line.arguments,
             [&](const std::string& value) {
               // yes, no and small numbers are in many a script, and say nothing.
               constexpr std::size_t k_telling = 4;
               const bool changed =
                   value.size() >= k_telling && source.rewriting.find(value) != std::string::npos;
               return (is_open(value) && (!source.rewriting.empty() || !source.added.empty())) ||
                      changed;
             }) &&
         (source.certain || line.name == "cluster-enabled") &&
         source.rewriting.find(line.name) == std::string::npos;
}

namespace {

bool serves(const Json& service, const Json& workload) {
  const auto selector = texts(member(service, {"spec", "selector"}));
  const auto labels = pod_labels_of(workload);
  const bool chosen = !selector.empty() && std::ranges::all_of(selector, [&](const auto& each) {
    const auto label = labels.find(each.first);
    return label != labels.end() && label->second == each.second;
  });
  // A governing Service is the workload's even if its selector fits nothing: RC069 has to see it.
  return chosen || text(member(workload, {"spec", "serviceName"})) ==
                       text(member(service, {"metadata", "name"}));
}

bool belongs(Kinds kind, const Json& object, const Json& workload) {
  switch (kind) {
    case k_config_map:
      return mounts_config_map(workload, text(member(object, {"metadata", "name"})));
    case k_service:
      return serves(object, workload);
    case k_budget:
      return selects(member(object, {"spec", "selector"}), pod_labels_of(workload));
    default:
      return false;
  }
}

}  // namespace

Kinds kind_of(const Json& object) {
  struct Row {
    std::string_view group;
    std::string_view kind;
    Kinds bit;
  };
  constexpr std::array<Row, 5> rows{{{"apps/", "StatefulSet", k_stateful_set},
                                     {"apps/", "Deployment", k_deployment},
                                     {"v1", "ConfigMap", k_config_map},
                                     {"v1", "Service", k_service},
                                     {"policy/", "PodDisruptionBudget", k_budget}}};
  const std::string version = text(member(object, {"apiVersion"}));
  const std::string kind = text(member(object, {"kind"}));
  for (const Row& row : rows) {
    // Any version of a group: the webhook gets apps/v1 (matchPolicy: Equivalent), but `lint` also
    // reads files that are as old as apps/v1beta1.
    const bool core = row.group == "v1";
    if (kind == row.kind && (core ? version == "v1" : version.starts_with(row.group))) {
      return row.bit;
    }
  }
  return 0;
}

std::string owner_of(const Json& object) {
  for (const Json& each : items(member(object, {"metadata", "ownerReferences"}))) {
    if (is_true(member(each, {"controller"}))) {
      return text(member(each, {"kind"})) + " " + text(member(each, {"name"}));
    }
  }
  return {};
}

std::map<std::string, std::string> pod_labels_of(const Json& workload) {
  return texts(member(workload, {"spec", "template", "metadata", "labels"}));
}

bool mounts_config_map(const Json& workload, std::string_view map) {
  return std::ranges::any_of(items(member(pod_of(workload), {"volumes"})), [&](const Json& each) {
    const Json& sources = items(member(each, {"projected", "sources"}));
    return text(member(each, {"configMap", "name"})) == map ||
           std::ranges::any_of(sources, [&](const Json& source) {
             return text(member(source, {"configMap", "name"})) == map;
           });
  });
}

bool is_marked(const Json& object) {
  const auto annotations = texts(member(object, {"metadata", "annotations"}));
  if (annotations.contains(std::string(k_masters_annotation))) {
    return true;
  }
  for (const auto& labels : {texts(member(object, {"metadata", "labels"})),
                             pod_labels_of(object),
                             texts(member(object, {"spec", "selector", "matchLabels"})),
                             texts(member(object, {"spec", "selector"}))}) {
    if (labels.contains(std::string(k_article_label)) ||
        labels.contains(std::string(k_cluster_label))) {
      return true;
    }
  }
  return false;
}

bool is_cluster_workload(const Json& object, const Surroundings& around) {
  return (kind_of(object) & k_workload) != 0 && (is_marked(object) || runs_cluster(object, around));
}

Subject::Subject(const Json& object, const Surroundings& around, std::string key)
    : object_(object),
      around_(around),
      kind_(kind_of(object)),
      name_(text(member(object, {"metadata", "name"}))),
      namespace_(text(member(object, {"metadata", "namespace"}))),
      cluster_(cluster_name(object)),
      key_(std::move(key)),
      one_file_(!key_.empty()) {
  if (is_workload()) {
    read_workload();
  } else if (kind_ != 0) {
    find_workloads();
  }
  if (kind_ == k_config_map) {
    read_config_map();
  }
}

void Subject::read_workload() {
  container_ = redis_container(pod());
  launch_ = read_launch(pod(), container(), container_path(), around_, namespace_);
  if (!launch_.seen && !launch_.server.empty()) {
    // A script that cannot be followed passes the configuration on by itself: it is the one in a
    // ConfigMap that the container mounts.
    for (const Json& mount : items(member(container(), {"volumeMounts"}))) {
      const std::string map =
          text(member(volume(text(member(mount, {"name"}))), {"configMap", "name"}));
      const Json* found = map.empty() ? nullptr : look_up("ConfigMap", map);
      if (found != nullptr && !config_key(*found).empty() && launch_.config.from.empty()) {
        launch_.config.from.push_back({map, config_key(*found)});
      }
    }
  }
  read_config();
}

/// Only `data`: redis.conf is text, and `binaryData` is not kept by the webhook's snapshot.
void Subject::read_config() {
  const ConfigSource& source = launch_.config;
  std::string all;
  for (const MountedFile& file : source.from) {
    const Json* map = look_up("ConfigMap", file.object);
    if (map != nullptr && member(*map, {"data", file.key}).is_string()) {
      config_file_ = config_file_.object.empty() ? file : config_file_;
      all += text(member(*map, {"data", file.key})) + "\n";
    }
  }
  const bool found = !config_file_.object.empty() || !source.added.empty();
  if (!found && !launch_.config_path.empty()) {
    const MountedFile secret =
        mounted_file(pod(), container(), launch_.config_path, VolumeOf::secret);
    is_foreign_ = true;
    hidden_ = !source.from.empty()
                  ? "the ConfigMap " + source.from.front().object +
                        (around_.blind() ? " cannot be looked up"
                                         : " is not here; where a tool makes it, render it first")
              : !secret.object.empty() ? "the Secret " + secret.object + " holds it"
                                       : "the file " + launch_.config_path + " is in no ConfigMap";
    return;
  }
  if (found) {
    read_text(all + source.added);
    follow_includes();
  }
  if (hidden_.empty() && !source.complete) {
    hidden_ = "a script writes the file " + launch_.config_path;
  }
}

void Subject::read_text(std::string all) {
  config_text_ = std::move(all);
  auto parsed = wire::parse_redis_conf(config_text_);
  if (parsed) {
    config_ = std::move(*parsed);
  } else {
    // Cut before the quoted line, which may hold a password.
    config_error_ = parsed.error().message.substr(0, parsed.error().message.find(" in \""));
  }
}

/// Puts an included file's lines where the include stands, as Redis does
/// (loadServerConfigFromString() in config.c). Includes of includes are not followed.
void Subject::follow_includes() {
  if (!config_) {
    return;
  }
  std::vector<wire::RedisDirective> all;
  for (wire::RedisDirective& each : config_->directives) {
    if (each.name != "include" || each.arguments.empty()) {
      all.push_back(std::move(each));
      continue;
    }
    const std::string& path = each.arguments.front();
    const MountedFile file = mounted_file(pod(), container(), path);
    const Json* map = look_up("ConfigMap", file.object);
    const auto included = map == nullptr
                              ? Result<wire::RedisConf>(wire::RedisConf{})
                              : wire::parse_redis_conf(text(member(*map, {"data", file.key})));
    const bool nested = included && std::ranges::any_of(included->directives, [](const auto& line) {
                          return line.name == "include";
                        });
    if (map == nullptr || !included || nested) {
      is_foreign_ = true;
      hidden_ = "it includes " + shown(path);
    } else {
      all.insert(all.end(), included->directives.begin(), included->directives.end());
    }
  }
  config_->directives = std::move(all);
}

/// Of a ConfigMap with several files, that one counts which a server starts from. Where nobody is
/// seen to start from it, the likeliest.
void Subject::read_config_map() {
  std::vector<Subject> subjects;
  for (const Json* workload : workloads_) {
    subjects.emplace_back(*workload, around_);
    for (const MountedFile& file : subjects.back().launch().config.from) {
      const bool ours = file.object == name_ && member(object_, {"data", file.key}).is_string();
      if (ours && std::ranges::find(started_keys_, file.key) == started_keys_.end()) {
        started_keys_.push_back(file.key);
      }
    }
  }
  if (key_.empty()) {
    key_ = started_keys_.empty() ? config_key(object_) : started_keys_.front();
  }
  for (Subject& each : subjects) {
    const std::vector<MountedFile>& from = each.launch().config.from;
    if (std::ranges::find(from, MountedFile{name_, key_}) != from.end()) {
      readers_.push_back(std::move(each));
    }
  }
  if (!key_.empty() && member(object_, {"data", key_}).is_string()) {
    config_text_path_ = joined("/data", key_);
    read_text(text(member(object_, {"data", key_})));
  }
}

void Subject::find_workloads() {
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    for (const Json* workload : all(kind)) {
      if (belongs(kind_, object_, *workload) && is_cluster_workload(*workload, around_)) {
        workloads_.push_back(workload);
      }
    }
  }
}

std::string Subject::annotation(std::string_view key) const {
  return text(member(object_, {"metadata", "annotations", key}));
}

bool Subject::made_by_create() const {
  return text(member(object_, {"metadata", "labels", k_managed_by_label})) == k_field_manager;
}

const Json& Subject::pod() const { return pod_of(object_); }

const Json& Subject::container() const {
  const Json& containers = items(member(pod(), {"containers"}));
  return container_ < containers.size() ? containers[container_] : member(containers, {"none"});
}

std::string Subject::container_path() const {
  return joined(pod_path() + "/containers", container_);
}

std::map<std::string, std::string> Subject::pod_labels() const { return pod_labels_of(object_); }

std::optional<Setting> Subject::setting(std::string_view key) const {
  const auto& arguments = launch_.arguments.directives;
  // From the end: Redis appends arguments to the text of the file, and of two lines the last wins.
  for (std::size_t i = arguments.size(); i > 0; --i) {
    if (arguments[i - 1].name == key) {
      return Setting{arguments[i - 1].arguments,
                     launch_.arguments_paths[i - 1],
                     launch_.arguments_known[i - 1]};
    }
  }
  if (config_) {
    for (std::size_t i = config_->directives.size(); i > 0; --i) {
      const wire::RedisDirective& line = config_->directives[i - 1];
      if (line.name == key) {
        return Setting{line.arguments,
                       kind_ == k_config_map ? config_text_path_ : std::string{},
                       is_kept(line, launch_.config)};
      }
    }
  }
  return std::nullopt;
}

/// A value that is no number is reported by nobody here; Redis names the line when it starts.
std::int64_t Subject::number_of(std::string_view key, std::int64_t otherwise) const {
  const auto found = setting(key);
  return found ? number_in(found->first()).value_or(otherwise) : otherwise;
}

std::optional<std::int64_t> Subject::known_number(std::string_view key,
                                                  std::int64_t otherwise) const {
  const auto found = setting(key);
  if (found) {
    return found->known ? number_in(found->first()) : std::nullopt;
  }
  return may_hide(key) ? std::nullopt : std::optional(otherwise);
}

/// A script that is read here adds no line whose name it does not hold.
bool Subject::may_hide(std::string_view key) const {
  const bool read = launch_.scripts.find_first_not_of('\n') != std::string::npos;
  const bool by_script = read && (config_ || launch_.seen) && !starts_bare() && !is_foreign_;
  const bool left = config_ && hidden_.empty() && is_left_by_stack(launch_, key);
  return !sees_configuration() && !left &&
         !(by_script && launch_.scripts.find(key) == std::string::npos);
}

/// A script may write settings that are in no object. Rules that judge by an absent setting ask
/// this first, and keep silent where something may be hidden.
bool Subject::sees_configuration() const { return hidden_because().empty(); }

std::string Subject::hidden_because() const {
  if (launch_.server.empty()) {
    return "nothing here says how its server is started";
  }
  if (!launch_.seen) {
    return "a script starts " + launch_.server + " in a way that cannot be read here";
  }
  if (!hidden_.empty()) {
    return hidden_;
  }
  if (!config_error_.empty()) {
    return "its file cannot be read: " + config_error_;
  }
  return launch_.sure && !starts_bare() ? std::string{}
                                        : "what starts it may add settings of its own";
}

bool Subject::starts_bare() const {
  return !launch_.server.empty() && launch_.config_path.empty() && !config_ &&
         !setting("cluster-enabled") && passes_on();
}

bool Subject::passes_on() const {
  return launch_.seen && policy::passes_on(pod(), container(), around_, namespace_);
}

std::optional<std::int64_t> Subject::client_port() const {
  // `port 0` closes the plain port (redis.conf); then clients use tls-port.
  const auto plain = known_number("port", k_redis_port);
  const auto tls = plain == 0 ? known_number("tls-port", 0) : std::optional<std::int64_t>(0);
  return plain == 0 && tls != 0 ? tls : plain;
}

std::optional<std::int64_t> Subject::bus_port() const {
  const auto own = known_number("cluster-port", 0);
  const auto client = client_port();
  if (!own || *own != 0) {
    return own;
  }
  return client ? std::optional(*client + k_bus_offset) : std::nullopt;
}

std::string Subject::data_dir() const {
  const auto found = setting("dir");
  if (found ? !found->known : may_hide("dir")) {
    return {};
  }
  std::string dir = found ? found->first() : launch_.folder;
  if (!dir.starts_with('/') && !launch_.folder.empty()) {
    dir = dir == "." || dir == "./" ? launch_.folder : launch_.folder + "/" + dir;
  }
  dir = bare_folder(std::move(dir));
  return is_open(dir) || !dir.starts_with('/') ? std::string{} : dir;
}

const Json& Subject::mount_of(std::string_view path) const {
  // No object has a member "none"; `member` answers with its null, which outlives this call.
  const Json* best = &member(object_, {"none", "none"});
  std::size_t longest = 0;
  for (const Json& mount : items(member(container(), {"volumeMounts"}))) {
    const std::string folder = bare_folder(text(member(mount, {"mountPath"})));
    const bool holds = path == folder || (path.starts_with(folder) && path.size() > folder.size() &&
                                          path[folder.size()] == '/');
    if (!folder.empty() && holds && folder.size() >= longest) {
      longest = folder.size();
      best = &mount;
    }
  }
  return *best;
}

const Json& Subject::volume(std::string_view name) const {
  return named(member(pod(), {"volumes"}), name);
}

const Json& Subject::claim_template(std::string_view name) const {
  for (const Json& each : items(member(object_, {"spec", "volumeClaimTemplates"}))) {
    if (text(member(each, {"metadata", "name"})) == name) {
      return each;
    }
  }
  return member(object_, {"none", "none"});
}

}  // namespace kredis::policy
