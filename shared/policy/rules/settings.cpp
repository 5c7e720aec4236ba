// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/settings.hpp"

#include <algorithm>
#include <array>

#include "shared/core/text.hpp"
#include "shared/policy/launch_reader.hpp"
#include "shared/policy/memory.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"
#include "shared/wire/redis_directives.hpp"

namespace kredis::policy {
namespace {

/// What Redis takes where nothing is said (config.c). Units: milliseconds.
constexpr std::int64_t k_default_node_timeout = 15'000;

/// A setting that this very object makes: a line of the ConfigMap, or an argument of the workload.
/// Each is reported where it is said, and so once, although every workload that mounts the
/// ConfigMap has it in force.
struct Own {
  const wire::RedisDirective* directive;
  std::string path;
  bool known = true;
};

/// Whether a line of a ConfigMap is not what its servers take: an argument wins over it, or a
/// script rewrites it. Where nobody is seen to read it, an open value is left to whoever does.
bool is_overruled(const Subject& map, const wire::RedisDirective& line) {
  if (map.readers().empty()) {
    return is_open(line.name) || std::ranges::any_of(line.arguments, &is_open);
  }
  return std::ranges::all_of(map.readers(), [&](const Subject& reader) {
    const auto& arguments = reader.launch().arguments.directives;
    return !is_kept(line, reader.launch().config) ||
           std::ranges::any_of(arguments, [&](const wire::RedisDirective& argument) {
             return argument.name == line.name;
           });
  });
}

std::vector<Own> own_settings(const Subject& subject) {
  std::vector<Own> settings;
  if (subject.kind() == k_config_map && subject.config()) {
    for (const wire::RedisDirective& each : subject.config()->directives) {
      if (!is_overruled(subject, each)) {
        settings.push_back({&each, subject.config_text_path()});
      }
    }
  }
  const auto& arguments = subject.launch().arguments.directives;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    settings.push_back(
        {&arguments[i], subject.launch().arguments_paths[i], subject.launch().arguments_known[i]});
  }
  return settings;
}

/// The last of that name, which is the one in force; nothing where this object does not set it, or
/// leaves its value to a variable.
std::optional<Own> own_setting(const Subject& subject, std::string_view key) {
  std::optional<Own> last;
  for (const Own& each : own_settings(subject)) {
    if (each.directive->name == key) {
      last = each.known ? std::optional(each) : std::nullopt;
    }
  }
  return last;
}

std::string first_of(const Own& own) {
  return own.directive->arguments.empty() ? std::string{} : own.directive->arguments.front();
}

std::string line_text(const Own& own) {
  std::string line = own.directive->name;
  for (const std::string& argument : own.directive->arguments) {
    line += " " + (argument.empty() ? "\"\"" : argument);
  }
  return shown(line);
}

/// "line 7" of a file.
std::string place_of(const Own& own) {
  return own.directive->line == 0 ? "" : " (line " + std::to_string(own.directive->line) + ")";
}

void report_own(Report& report, const Own& own, std::string wanted, const std::string& message) {
  report.objection(own.path, line_text(own), std::move(wanted), message + place_of(own));
}

/// Whether the value of that key may be, or hold, a secret: a `user` line carries passwords too.
bool is_secret(std::string_view key) {
  constexpr std::array<std::string_view, 7> keys{"requirepass",
                                                 "masterauth",
                                                 "primaryauth",
                                                 "user",
                                                 "tls-key-file-pass",
                                                 "tls-client-key-file-pass",
                                                 "masteruser"};
  return core::is_one_of(keys, key);
}

/// Since Redis 6.2 a "-" before an address means that Redis starts without it, too.
bool is_loopback(std::string_view address) {
  if (address.starts_with('-')) {
    address.remove_prefix(1);
  }
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

/// Whether every server that starts from the ConfigMap has `key` set elsewhere, or may have.
bool set_elsewhere(const Subject& map, std::string_view key) {
  return !map.readers().empty() && std::ranges::all_of(map.readers(), [&](const Subject& reader) {
    return reader.setting(key) || reader.may_hide(key);
  });
}

/// What is in force: of a ConfigMap, for the server that starts from it.
std::optional<Setting> in_force(const Subject& subject, std::string_view key) {
  return subject.readers().empty() ? subject.setting(key) : subject.readers().front().setting(key);
}

bool has_tls_port(const Subject& subject) {
  const auto port = in_force(subject, "tls-port");
  return port && (!port->known || port->first() != "0");
}

std::string memory_path(const Subject& subject) {
  return subject.container_path() + "/resources/limits/memory";
}

}  // namespace

void check_cluster_enabled(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "cluster-enabled");
  if (own) {
    if (core::to_lower(first_of(*own)) != "yes") {
      report_own(report, *own, "cluster-enabled yes", "the server is not part of a cluster");
    }
  } else if (subject.kind() == k_config_map && subject.config() &&
             !set_elsewhere(subject, "cluster-enabled")) {
    report.objection(subject.config_text_path(),
                     "nothing",
                     "cluster-enabled yes",
                     "the server is not part of a cluster");
  }
}

void check_foreground(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "daemonize");
  if (own && core::to_lower(first_of(*own)) != "no") {
    report_own(
        report, *own, "daemonize no", "the container ends as its process goes to the background");
  }
}

void check_bind(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "bind");
  if (own && !own->directive->arguments.empty() &&
      std::ranges::all_of(own->directive->arguments, &is_loopback)) {
    report_own(report, *own, "no bind, or bind 0.0.0.0", "nobody reaches the server but itself");
  }
}

/// Absent means no (redis.conf), but a workload that passes nothing is not blamed for it: the
/// ConfigMap that it mounts is.
void check_append_only(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "appendonly");
  if (own && core::to_lower(first_of(*own)) != "yes") {
    report_own(report,
               *own,
               "appendonly yes",
               "what was written since the last snapshot is lost with the pod");
  } else if (subject.setting("appendonly")) {
    return;
  } else if (subject.kind() == k_config_map && subject.config() &&
             !set_elsewhere(subject, "appendonly")) {
    report.objection(subject.config_text_path(),
                     "nothing",
                     "appendonly yes",
                     "what was written since the last snapshot is lost with the pod");
  } else if (subject.is_workload() && !subject.may_hide("appendonly") &&
             subject.config_file().object.empty()) {
    report.objection(subject.container_path() + "/args",
                     shown(Json(subject.launch().words)),
                     "--appendonly yes",
                     "what was written since the last snapshot is lost with the pod");
  }
}

void check_readable(const Subject& subject, Report& report) {
  if (!subject.config_error().empty()) {
    report.objection(subject.config_text_path(),
                     subject.config_error(),
                     "closed quotes, a space after them",
                     "Redis cannot read the file: " + subject.config_error());
  }
}

/// loadServerConfigFromString() in config.c ends the server at "Bad directive or wrong number of
/// arguments". Names of Redis and Valkey are taken alike: which of the two an image runs cannot
/// always be seen.
void check_known_keys(const Subject& subject, Report& report) {
  for (const Own& own : own_settings(subject)) {
    if (!is_open(own.directive->name) && wire::find_directive(own.directive->name) == nullptr) {
      const std::string nearest = wire::nearest_directive(own.directive->name);
      report.objection(
          own.path,
          shown(own.directive->name),
          nearest.empty() ? "remove it" : nearest,
          "neither Redis nor Valkey knows this key, and does not start" + place_of(own));
    }
  }
}

/// config.c: "replicaof directive not allowed in cluster mode". The three names are one setting.
void check_no_replica_of(const Subject& subject, Report& report) {
  for (const char* key : {"replicaof", "slaveof", "primaryof"}) {
    if (const auto own = own_setting(subject, key)) {
      report_own(report, *own, "remove it", "Redis does not start with it in cluster mode");
    }
  }
}

void check_no_password(const Subject& subject, Report& report) {
  for (const Own& own : own_settings(subject)) {
    // $(NAME) is expanded from the container's environment, which a Secret can fill (Kubernetes
    // docs, "Define Dependent Environment Variables"): what stands here is no secret.
    const std::string value = first_of(own);
    if (is_secret(own.directive->name) && own.known && !value.empty() && !value.starts_with("$(")) {
      report.objection(own.path,
                       own.directive->name + " ...",
                       "a Secret, as kubectl redis create --auth-secret reads it",
                       "a password lies in the open" + place_of(own));
    }
  }
}

void check_commands_kept(const Subject& subject, Report& report) {
  // A replica sends AUTH, PING, REPLCONF and PSYNC to its master (syncWithMaster() in
  // replication.c); the others are what probes, hooks and this tool send.
  constexpr std::array<std::string_view, 11> needed{"acl",
                                                    "auth",
                                                    "cluster",
                                                    "config",
                                                    "failover",
                                                    "hello",
                                                    "info",
                                                    "ping",
                                                    "psync",
                                                    "replconf",
                                                    "role"};
  for (const Own& own : own_settings(subject)) {
    if (own.directive->name == "rename-command" &&
        std::ranges::find(needed, core::to_lower(first_of(own))) != needed.end()) {
      report.objection(own.path,
                       "rename-command " + shown(first_of(own)) + " ...",
                       "an ACL that forbids it to users",
                       "nodes, probes and this tool need that command" + place_of(own));
    }
  }
}

/// In an argument of the workload a literal address is as wrong, but $(POD_IP) is right there.
void check_no_fixed_address(const Subject& subject, Report& report) {
  // Where one pod alone reads the file, the address may well be its own Service's.
  if (subject.readers().size() == 1 &&
      number(member(subject.readers()[0].object(), {"spec", "replicas"})).value_or(1) == 1) {
    return;
  }
  for (const char* key :
       {"cluster-announce-ip", "cluster-announce-hostname", "replica-announce-ip"}) {
    if (const auto own = own_setting(subject, key)) {
      report_own(report,
                 *own,
                 "an argument of each pod: --" + std::string(key) + " $(POD_IP)",
                 "all pods announce the same address");
    }
  }
}

void check_some_port(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "port");
  if (own && first_of(*own) == "0" && !has_tls_port(subject)) {
    report_own(report, *own, "port 6379, or a tls-port", "no port is open, so nobody can connect");
  }
}

/// Without tls-replication a replica connects to its master's plain port, which is closed here. The
/// bus has a port of its own and would go on in the clear.
void check_tls_inside(const Subject& subject, Report& report) {
  const auto plain = own_setting(subject, "port");
  if (!plain || first_of(*plain) != "0" || !has_tls_port(subject)) {
    return;
  }
  for (const char* key : {"tls-cluster", "tls-replication"}) {
    const auto setting = in_force(subject, key);
    if (!setting || (setting->known && core::to_lower(setting->first()) != "yes")) {
      report.objection(subject.config_text_path(),
                       std::string(key) + " " + (setting ? shown(setting->first()) : "not set"),
                       std::string(key) + " yes",
                       "the plain port is closed, but nodes do not use TLS among themselves");
    }
  }
}

void check_node_timeout(const Subject& subject, Report& report) {
  constexpr std::int64_t k_least = 1'000;
  constexpr std::int64_t k_most = 60'000;
  const auto own = own_setting(subject, "cluster-node-timeout");
  const auto value = own ? number_in(first_of(*own)) : std::nullopt;
  if (value && (*value < k_least || *value > k_most)) {
    report_own(report,
               *own,
               "cluster-node-timeout between 1000 and 60000",
               *value < k_least ? "a busy moment counts as a failure"
                                : "a dead master is replaced only after more than a minute");
  }
}

/// A replica collects votes for twice the node timeout (clusterHandleSlaveFailover() in cluster.c).
/// An absent number counts as Redis's and Kubernetes' own default.
void check_timeout_and_grace(const Subject& subject, Report& report) {
  constexpr std::int64_t k_milliseconds = 1'000;
  constexpr std::int64_t k_kubernetes_default = 30;
  const Json& setting = member(subject.pod(), {"terminationGracePeriodSeconds"});
  const std::int64_t grace = number(setting).value_or(k_kubernetes_default);
  const auto timeout = subject.known_number("cluster-node-timeout", k_default_node_timeout);
  if (timeout && *timeout > grace * k_milliseconds / 2) {
    report.objection(
        Subject::pod_path() + "/terminationGracePeriodSeconds",
        setting.is_null() ? "nothing (30)" : shown(setting),
        std::to_string((2 * *timeout + k_milliseconds - 1) / k_milliseconds) + " or more",
        "a hand-over may take twice the node timeout of " + std::to_string(*timeout) +
            " ms, and the pod is killed before");
  }
}

void check_maxmemory_limit(const Subject& subject, Report& report) {
  const auto limit = memory_limit(subject);
  const auto memory = max_memory(subject);
  if (limit && memory && *memory >= *limit) {
    report.objection(
        memory_path(subject),
        shown(member(subject.container(), {"resources", "limits", "memory"})),
        "more than maxmemory, " + std::to_string(*memory) + " bytes, with room for a fork",
        "the kernel kills Redis before it reaches maxmemory");
  }
}

/// Pages that are written while a child saves exist twice (copy on write): under heavy writes the
/// extra may come near the whole data set.
void check_fork_headroom(const Subject& subject, Report& report) {
  const auto limit = memory_limit(subject);
  const auto memory = max_memory(subject);
  // Divided before they are compared: the products of two large numbers would overflow.
  if (limit && memory && *memory<*limit&& * memory / 3> * limit / 4) {
    report.objection(memory_path(subject),
                     shown(member(subject.container(), {"resources", "limits", "memory"})),
                     std::to_string(*memory / 3 * 4) + " or more, or a smaller maxmemory",
                     "the data may take more than three quarters of the limit: a fork's copies do "
                     "not fit beside it");
  }
}

/// Not where a script may set it: many compute maxmemory from the limit as they start.
void check_limit_has_maxmemory(const Subject& subject, Report& report) {
  const auto setting = subject.setting("maxmemory");
  if (memory_limit(subject) && !subject.may_hide("maxmemory") && !max_memory(subject) &&
      !(setting && !setting->known)) {
    report.objection(
        memory_path(subject),
        shown(member(subject.container(), {"resources", "limits", "memory"})),
        "maxmemory at " + std::to_string(k_maxmemory_percent_of_limit) + " % of it, in redis.conf",
        "Redis grows until the kernel kills it");
  }
}

void check_log_to_stdout(const Subject& subject, Report& report) {
  const auto own = own_setting(subject, "logfile");
  if (own && !first_of(*own).empty() && !first_of(*own).starts_with("/dev/std")) {
    report_own(report, *own, "remove it", "kubectl logs shows nothing");
  }
}

}  // namespace kredis::policy
