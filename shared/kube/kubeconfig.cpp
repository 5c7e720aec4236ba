// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/kubeconfig.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "shared/json/json.hpp"

namespace kredis::kube {
namespace {

constexpr int k_extension_depth = 32;
constexpr int k_extension_nodes = 10'000;
constexpr const char* k_exec_extension = "client.authentication.k8s.io/exec";

/// Thrown inside this file only; parse_kubeconfig turns it into an Error.
struct Malformed {
  std::string what;
  int line;
};

[[noreturn]] void fail(const YAML::Node& where, const std::string& what) {
  throw Malformed{what, where.Mark().line + 1};
}

/// The named member of a map, or an undefined node where the parent has nothing to look into.
YAML::Node member(const YAML::Node& parent, const std::string& key) {
  if (!parent.IsDefined() || parent.IsNull()) {
    return YAML::Node(YAML::NodeType::Undefined);
  }
  // yaml-cpp finds nothing in a list without a word, and throws at a scalar without the line.
  if (!parent.IsMap()) {
    fail(parent, "'" + key + "' was looked for in something that is not a map");
  }
  return parent[key];
}

/// kubectl itself writes `users: null` for an empty list.
bool is_absent(const YAML::Node& node) { return !node.IsDefined() || node.IsNull(); }

std::string text(const YAML::Node& parent, const std::string& key) {
  const YAML::Node node = member(parent, key);
  if (is_absent(node)) {
    return {};
  }
  if (!node.IsScalar()) {
    fail(node, "'" + key + "' must be a text");
  }
  return node.Scalar();
}

bool flag(const YAML::Node& parent, const std::string& key) {
  const std::string value = text(parent, key);
  if (value == "true") {
    return true;
  }
  if (!value.empty() && value != "false") {
    fail(member(parent, key), "'" + key + "' must be true or false");
  }
  return false;
}

YAML::Node sequence(const YAML::Node& parent, const std::string& key) {
  const YAML::Node node = member(parent, key);
  if (!is_absent(node) && !node.IsSequence()) {
    fail(node, "'" + key + "' must be a list");
  }
  return is_absent(node) ? YAML::Node(YAML::NodeType::Sequence) : node;
}

std::vector<std::string> texts(const YAML::Node& parent, const std::string& key) {
  std::vector<std::string> values;
  for (const YAML::Node& each : sequence(parent, key)) {
    if (!each.IsScalar()) {
      fail(each, "'" + key + "' must be a list of texts");
    }
    values.push_back(each.Scalar());
  }
  return values;
}

/// Converts an extension to JSON. Aliases can make a small text a huge tree ("billion laughs",
/// CVE-2019-11253 in the API server): `budget` stops that.
Json to_json(const YAML::Node& node, int depth, int& budget) {
  if (depth > k_extension_depth || --budget < 0) {
    fail(node, "the extension is too large");
  }
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& each : node) {
      if (!each.first.IsScalar()) {
        fail(node, "a key in the extension is not a text");
      }
      object[each.first.Scalar()] = to_json(each.second, depth + 1, budget);
    }
    return object;
  }
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const YAML::Node& each : node) {
      array.push_back(to_json(each, depth + 1, budget));
    }
    return array;
  }
  if (!node.IsScalar()) {
    return nullptr;
  }
  // A plain scalar has the tag "?": only then may it be a number or a boolean.
  const Json plain = node.Tag() == "?" ? Json::parse(node.Scalar(), nullptr, false) : Json();
  return plain.is_number() || plain.is_boolean() ? plain : Json(node.Scalar());
}

/// Relative to the kubeconfig, not to the working directory (Kubernetes docs, "File references").
std::string beside(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') {
    return path;
  }
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

ClusterEntry read_cluster(const YAML::Node& node, const std::string& file) {
  ClusterEntry cluster;
  cluster.server = text(node, "server");
  cluster.certificate_authority = beside(file, text(node, "certificate-authority"));
  cluster.certificate_authority_data = text(node, "certificate-authority-data");
  cluster.tls_server_name = text(node, "tls-server-name");
  cluster.insecure = flag(node, "insecure-skip-tls-verify");
  cluster.proxy_url = text(node, "proxy-url");
  // The one extension that reaches a plugin, under this reserved name (kubeconfig v1,
  // ExecConfig.provideClusterInfo).
  for (const YAML::Node& extension : sequence(node, "extensions")) {
    if (text(extension, "name") == k_exec_extension) {
      int budget = k_extension_nodes;
      cluster.exec_config = to_json(member(extension, "extension"), 0, budget)
                                .dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }
  return cluster;
}

InteractiveMode read_interactive(const YAML::Node& node) {
  const std::string mode = text(node, "interactiveMode");
  if (mode.empty()) {
    return InteractiveMode::unset;
  }
  if (mode == "Never") {
    return InteractiveMode::never;
  }
  if (mode == "IfAvailable") {
    return InteractiveMode::if_available;
  }
  if (mode != "Always") {
    fail(node, "'interactiveMode' must be Never, IfAvailable or Always");
  }
  return InteractiveMode::always;
}

ExecCommand read_exec(const YAML::Node& node, const std::string& file) {
  ExecCommand exec{.api_version = text(node, "apiVersion"), .command = text(node, "command")};
  if (exec.command.empty()) {
    fail(node, "'exec' has no 'command'");
  }
  // A bare name is looked up in PATH; anything with a slash is a file beside the kubeconfig
  // (Kubernetes docs, "client-go credential plugins").
  if (exec.command.find('/') != std::string::npos) {
    exec.command = beside(file, exec.command);
  }
  exec.arguments = texts(node, "args");
  for (const YAML::Node& variable : sequence(node, "env")) {
    exec.environment.emplace_back(text(variable, "name"), text(variable, "value"));
  }
  exec.install_hint = text(node, "installHint");
  exec.provide_cluster_info = flag(node, "provideClusterInfo");
  exec.interactive = read_interactive(node);
  return exec;
}

std::vector<std::pair<std::string, std::string>> read_extra(const YAML::Node& node) {
  std::vector<std::pair<std::string, std::string>> extra;
  const YAML::Node map = member(node, "as-user-extra");
  if (is_absent(map)) {
    return extra;
  }
  if (!map.IsMap()) {
    fail(map, "'as-user-extra' must be a map");
  }
  for (const auto& each : map) {
    const std::string key = each.first.IsScalar() ? each.first.Scalar() : "";
    for (const std::string& value : texts(map, key)) {
      extra.emplace_back(key, value);
    }
  }
  return extra;
}

UserEntry read_user(const YAML::Node& node, const std::string& file) {
  UserEntry user;
  user.client_certificate = beside(file, text(node, "client-certificate"));
  user.client_certificate_data = text(node, "client-certificate-data");
  user.client_key = beside(file, text(node, "client-key"));
  user.client_key_data = text(node, "client-key-data");
  user.token = text(node, "token");
  user.token_file = beside(file, text(node, "tokenFile"));
  user.username = text(node, "username");
  user.password = text(node, "password");
  user.impersonate = text(node, "as");
  user.impersonate_uid = text(node, "as-uid");
  user.impersonate_groups = texts(node, "as-groups");
  user.impersonate_extra = read_extra(node);
  const YAML::Node provider = member(node, "auth-provider");
  if (!is_absent(provider)) {
    const std::string name = text(provider, "name");
    user.auth_provider = name.empty() ? "unnamed" : name;
  }
  const YAML::Node exec = member(node, "exec");
  if (!is_absent(exec)) {
    user.exec = read_exec(exec, file);
  }
  return user;
}

ContextEntry read_context(const YAML::Node& node, const std::string& /*file*/) {
  return {.cluster = text(node, "cluster"),
          .user = text(node, "user"),
          .namespace_ = text(node, "namespace")};
}

/// Reads `list: [{name: ..., one: {...}}, ...]` into a map by name.
template <typename Entry>
std::map<std::string, Entry> read_named(const YAML::Node& root,
                                        const std::string& list,
                                        const std::string& one,
                                        const std::string& file,
                                        Entry (*read)(const YAML::Node&, const std::string&)) {
  std::map<std::string, Entry> entries;
  for (const YAML::Node& each : sequence(root, list)) {
    const std::string name = text(each, "name");
    if (!entries.emplace(name, read(member(each, one), file)).second) {
      // client-go refuses two entries of one name as well; either choice would surprise somebody.
      fail(each, "'" + list + "' has two entries named '" + name + "'");
    }
  }
  return entries;
}

Kubeconfig read_root(const YAML::Node& root, const std::string& file) {
  if (is_absent(root)) {
    return {};
  }
  if (!root.IsMap()) {
    fail(root, "a kubeconfig is a map with 'clusters', 'users' and 'contexts'");
  }
  // Files without a kind are common, and kubectl takes them.
  if (const std::string kind = text(root, "kind"); !kind.empty() && kind != "Config") {
    fail(root, "this is a '" + kind + "', not a kubeconfig");
  }
  return {.clusters = read_named(root, "clusters", "cluster", file, read_cluster),
          .users = read_named(root, "users", "user", file, read_user),
          .contexts = read_named(root, "contexts", "context", file, read_context),
          .current_context = text(root, "current-context")};
}

Error malformed(const std::string& file, const std::string& what, int line) {
  const std::string place = line > 0 ? " line " + std::to_string(line) : "";
  return Error::invalid_argument("kubeconfig " + file + place + ": " + what)
      .with_hint("mend the file, or name another one with --kubeconfig");
}

}  // namespace

Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& file) {
  if (text.size() > k_kubeconfig_limit_bytes) {
    return malformed(file, "larger than 4 MiB", 0);
  }
  if (text.find('\0') != std::string_view::npos) {
    return malformed(file, "a binary file, not YAML", 0);
  }
  try {
    return read_root(YAML::Load(std::string(text)), file);
  } catch (const Malformed& error) {
    return malformed(file, error.what, error.line);
  } catch (const YAML::Exception& error) {
    return malformed(file, "not valid YAML: " + error.msg, error.mark.line + 1);
  } catch (const std::exception& error) {
    return malformed(file, std::string("cannot be read: ") + error.what(), 0);
  }
}

/// `insert` keeps the entry that is there: the first file to name something wins (Kubernetes docs,
/// "Merging kubeconfig files").
Kubeconfig merge_kubeconfigs(Kubeconfig first, const Kubeconfig& later) {
  first.clusters.insert(later.clusters.begin(), later.clusters.end());
  first.users.insert(later.users.begin(), later.users.end());
  first.contexts.insert(later.contexts.begin(), later.contexts.end());
  if (first.current_context.empty()) {
    first.current_context = later.current_context;
  }
  return first;
}

}  // namespace kredis::kube
