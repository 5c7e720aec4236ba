// SPDX-License-Identifier: Apache-2.0
//
// check_user_config of redis_conf.hpp: what a user's redis.conf may not say.
#include <algorithm>
#include <array>
#include <optional>

#include "shared/core/text.hpp"
#include "shared/wire/redis_conf.hpp"
#include "shared/wire/redis_directives.hpp"

namespace kredis::wire {
namespace {

/// What is wrong with one directive: why, and what to do instead.
struct Objection {
  std::string why;
  std::string hint;
};

using Objected = std::optional<Objection>;

/// Nobody reads more, and a hostile file must not keep us busy.
constexpr std::size_t k_most_errors = 100;

/// Keys that the cluster sets itself, whatever their value.
struct OwnedKey {
  std::string_view name;  ///< A "*" at the end stands for the rest of a name.
  std::string_view why;
  std::string_view hint;
};

constexpr std::array k_owned_keys{
    OwnedKey{"include", "no other file is in the container", "put that file's lines here"},
    OwnedKey{"replicaof", "the cluster decides who replicates whom", "remove it"},
    OwnedKey{"slaveof", "the cluster decides who replicates whom", "remove it"},
    OwnedKey{"primaryof", "the cluster decides who replicates whom", "remove it"},
    OwnedKey{"requirepass", "a password does not belong into a ConfigMap", "use --auth-secret"},
    OwnedKey{"masterauth", "a password does not belong into a ConfigMap", "use --auth-secret"},
    OwnedKey{"masteruser", "nodes sign in with the Secret's user", "use --auth-secret"},
    OwnedKey{"primaryauth", "a password does not belong into a ConfigMap", "use --auth-secret"},
    OwnedKey{"primaryuser", "nodes sign in with the Secret's user", "use --auth-secret"},
    OwnedKey{"user", "a user's password does not belong into a ConfigMap", "use --auth-secret"},
    OwnedKey{"aclfile", "no such file is in the container", "use --auth-secret"},
    OwnedKey{"bind", "every pod has another address, and all listen on theirs", "remove it"},
    OwnedKey{"bind-source-addr", "every pod has another address", "remove it"},
    OwnedKey{"rdma-*", "the container has no such port", "remove it"},
    OwnedKey{"unixsocket", "probes and clients come in by TCP", "remove it"},
    OwnedKey{"unixsocketperm", "probes and clients come in by TCP", "remove it"},
    OwnedKey{"unixsocketgroup", "probes and clients come in by TCP", "remove it"},
    OwnedKey{"pidfile", "the container runs one process and needs none", "remove it"},
    OwnedKey{"cluster-port", "the bus port is the container's, 10000 above the port", "remove it"},
    OwnedKey{"cluster-announce-*", "each pod announces itself as it starts", "remove it"},
    OwnedKey{"replica-announce-*", "each pod announces itself as it starts", "remove it"},
    OwnedKey{"slave-announce-*", "each pod announces itself as it starts", "remove it"},
    OwnedKey{"cluster-preferred-endpoint-type",
             "it depends on what pods announce",
             "use --client-endpoint"},
    OwnedKey{"tls-port", "TLS is set up from a Secret", "use --tls-secret"},
    OwnedKey{"tls-cluster", "TLS is set up from a Secret", "use --tls-secret"},
    OwnedKey{"tls-replication", "TLS is set up from a Secret", "use --tls-secret"},
    OwnedKey{"tls-auth-clients*", "TLS is set up from a Secret", "use --tls-secret"},
    OwnedKey{"tls-cert-file", "certificates come from a Secret", "use --tls-secret"},
    OwnedKey{"tls-key-file*", "certificates come from a Secret", "use --tls-secret"},
    OwnedKey{"tls-client-*", "certificates come from a Secret", "use --tls-secret"},
    OwnedKey{"tls-ca-cert-*", "certificates come from a Secret", "use --tls-secret"},
    OwnedKey{"tls-dh-params-file", "no such file is in the container", "remove it"},
};

/// Commands that probes, hooks and this tool send; a renamed one breaks them.
constexpr std::array<std::string_view, 9> k_needed_commands{
    "acl", "auth", "cluster", "config", "failover", "hello", "info", "ping", "role"};

const std::string& first_of(const RedisDirective& directive) {
  static const std::string k_none;
  return directive.arguments.empty() ? k_none : directive.arguments.front();
}

Objected check_owned(const RedisDirective& directive) {
  for (const OwnedKey& key : k_owned_keys) {
    const bool prefix = key.name.ends_with('*');
    const std::string_view stem = key.name.substr(0, key.name.size() - (prefix ? 1 : 0));
    if (prefix ? directive.name.starts_with(stem) : directive.name == stem) {
      return Objection{std::string{key.why}, std::string{key.hint}};
    }
  }
  return std::nullopt;
}

bool is_yes_or_no(const std::string& value) {
  const std::string lower = core::to_lower(value);
  return lower == "yes" || lower == "no";
}

/// Reads "100mb" as Redis does: powers of 1024 with a "b" at the end, of 1000 without.
bool is_memory(const std::string& value) {
  const std::string lower = core::to_lower(value);
  const std::size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
  constexpr std::array<std::string_view, 8> k_units{"", "b", "k", "kb", "m", "mb", "g", "gb"};
  return core::to_number<std::uint64_t>(std::string_view{lower}.substr(0, digits)).has_value() &&
         std::ranges::find(k_units, std::string_view{lower}.substr(digits)) != k_units.end();
}

Objected check_choice(const std::string& value, std::string_view choices) {
  const auto known = core::split(choices, '|');
  if (std::ranges::find(known, core::to_lower(value)) != known.end()) {
    return std::nullopt;
  }
  std::string list;
  for (const std::string_view choice : known) {
    list += (list.empty() ? "" : ", ") + std::string{choice};
  }
  return Objection{"no such choice", "use one of " + list};
}

Objected check_type(const RedisDirective& directive, const DirectiveType& type) {
  if (type.kind == ValueKind::words) {
    return directive.arguments.empty() ? Objected{{"a value is missing", "add it"}} : std::nullopt;
  }
  if (directive.arguments.size() != 1) {
    return Objection{"it takes one value, not " + std::to_string(directive.arguments.size()),
                     "quote a value that holds spaces"};
  }
  const std::string& value = directive.arguments.front();
  switch (type.kind) {
    case ValueKind::boolean:
      return is_yes_or_no(value) ? std::nullopt : Objected{{"it is a switch", "use yes or no"}};
    case ValueKind::number:
      return core::to_number<std::int64_t>(value)
                 ? std::nullopt
                 : Objected{{"no whole number", "use a whole number"}};
    case ValueKind::memory:
      return is_memory(value) ? std::nullopt
                              : Objected{{"no amount of memory", "write it as 100mb or 1gb"}};
    case ValueKind::choice:
      return check_choice(value, type.choices);
    case ValueKind::word:
    case ValueKind::words:
      break;
  }
  return std::nullopt;
}

/// Whether an absolute path without detours lies in `folder` or is it.
bool is_inside(std::string_view path, std::string_view folder) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const bool below = path.starts_with(folder) && path.substr(folder.size()).starts_with('/');
  return (path == folder || below) && path.find("/..") == std::string_view::npos;
}

Objected check_paths(const RedisDirective& directive, const ConfigRules& rules) {
  const std::string& value = first_of(directive);
  const std::string& name = directive.name;
  if (name == "dir" && !is_inside(value, rules.data_dir)) {
    return Objection{"data would not be on the volume, which is " + rules.data_dir,
                     "use " + rules.data_dir + ", or remove it"};
  }
  const bool plain_name = !value.empty() && value.find('/') == std::string::npos && value != "..";
  if (name == "cluster-config-file" && !plain_name &&
      (!is_inside(value, rules.data_dir) || value == rules.data_dir)) {
    return Objection{"a node would forget who it is, because the file is not on the volume",
                     "use " + rules.data_dir + "/nodes.conf, or remove it"};
  }
  const bool file_name =
      name == "dbfilename" || name == "appendfilename" || name == "appenddirname";
  if (file_name && !plain_name) {
    return Objection{"it is a name, not a path", "use a name without a slash"};
  }
  if (name == "logfile" && !value.empty() && !value.starts_with("/dev/std") &&
      !is_inside(value, rules.data_dir)) {
    return Objection{
        "the container can write to its volume only, and kubectl logs would show"
        " nothing",
        "remove it"};
  }
  return std::nullopt;
}

Objected check_save(const RedisDirective& directive) {
  const auto& values = directive.arguments;
  if (values.size() == 1 && values.front().empty()) {
    return std::nullopt;
  }
  const bool numbers = std::ranges::all_of(values, [](const std::string& value) {
    const auto number = core::to_number<std::int64_t>(value);
    return number && *number >= 0;
  });
  return values.size() % 2 == 0 && numbers
             ? std::nullopt
             : Objected{{"it takes pairs of seconds and changes",
                         "write it as save 3600 1, or as save \"\" for no snapshots"}};
}

Objected check_buffer_limits(const RedisDirective& directive) {
  const auto& values = directive.arguments;
  constexpr std::array<std::string_view, 4> k_classes{"normal", "replica", "slave", "pubsub"};
  bool fits = !values.empty() && values.size() % 4 == 0;
  for (std::size_t i = 0; fits && i < values.size(); i += 4) {
    fits = std::ranges::find(k_classes, core::to_lower(values[i])) != k_classes.end() &&
           is_memory(values[i + 1]) && is_memory(values[i + 2]) &&
           core::to_number<std::int64_t>(values[i + 3]).has_value();
  }
  return fits ? std::nullopt
              : Objected{{"it takes a class, two amounts of memory and seconds",
                          "write it as client-output-buffer-limit replica 256mb 64mb 60"}};
}

Objected check_renames(const RedisDirective& directive) {
  if (directive.arguments.size() != 2) {
    return Objection{"it takes two names", "write it as rename-command FLUSHALL \"\""};
  }
  const bool needed = std::ranges::find(k_needed_commands, core::to_lower(first_of(directive))) !=
                      k_needed_commands.end();
  return needed ? Objected{{"the cluster's probes and this tool need that command",
                            "forbid it to your users by an ACL instead"}}
                : std::nullopt;
}

Objected check_special(const RedisDirective& directive, const ConfigRules& rules) {
  const std::string& name = directive.name;
  const std::string value = core::to_lower(first_of(directive));
  if (name == "cluster-enabled" && value != "yes") {
    return Objection{"the node would be a server on its own", "remove it; a cluster needs yes"};
  }
  if (name == "daemonize" && value != "no") {
    return Objection{"the container would end as soon as its process goes to the background",
                     "remove it"};
  }
  if (name == "supervised" && value != "no") {
    return Objection{"the container has no supervisor but Kubernetes", "remove it"};
  }
  if (name == "port" && core::to_number<int>(value) != rules.port) {
    return Objection{"probes and Services reach the container on its port, so this must be " +
                         std::to_string(rules.port),
                     "remove it"};
  }
  if (name == "protected-mode" && value == "yes" && !rules.has_password) {
    return Objection{"pods could not reach each other", "remove it, or use --auth-secret"};
  }
  if (name == "save") {
    return check_save(directive);
  }
  if (name == "client-output-buffer-limit") {
    return check_buffer_limits(directive);
  }
  if (name == "rename-command") {
    return check_renames(directive);
  }
  return check_paths(directive, rules);
}

Objected check_known(const RedisDirective& directive, const DirectiveType* type) {
  if (type != nullptr) {
    return std::nullopt;
  }
  const std::string nearest = nearest_directive(directive.name);
  return Objection{"neither Redis nor Valkey knows this key",
                   nearest.empty() ? "remove it" : "did you mean " + nearest + "?"};
}

/// A password must not come back in an error message.
std::string shown(const RedisDirective& directive) {
  constexpr std::array<std::string_view, 6> k_secret{"requirepass",
                                                     "masterauth",
                                                     "primaryauth",
                                                     "user",
                                                     "tls-key-file-pass",
                                                     "tls-client-key-file-pass"};
  std::string text = directive.name;
  if (std::ranges::find(k_secret, directive.name) != k_secret.end()) {
    return core::quoted(text + " ...");
  }
  for (const std::string& argument : directive.arguments) {
    text += " " + (argument.empty() ? "\"\"" : argument);
  }
  return core::quoted(text);
}

Error to_error(const RedisDirective& directive, const Objection& objection) {
  const std::string where =
      directive.line == 0 ? "--set " + directive.name : "line " + std::to_string(directive.line);
  return Error::invalid_argument(where + ": " + shown(directive) + ": " + objection.why)
      .with_hint(objection.hint);
}

}  // namespace

std::vector<core::Error> check_user_config(const RedisConf& config, const ConfigRules& rules) {
  std::vector<core::Error> errors;
  for (const RedisDirective& directive : config.directives) {
    const DirectiveType* type = find_directive(directive.name);
    Objected objection = check_known(directive, type);
    objection = objection ? objection : check_owned(directive);
    objection = objection ? objection : check_type(directive, *type);
    objection = objection ? objection : check_special(directive, rules);
    if (objection) {
      errors.push_back(to_error(directive, *objection));
    }
    if (errors.size() == k_most_errors) {
      break;
    }
  }
  return errors;
}

}  // namespace kredis::wire
