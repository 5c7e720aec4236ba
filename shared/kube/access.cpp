// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/access.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/url.hpp"

namespace kredis::kube {
namespace {

/// A Secret holds a megabyte at the most; a path that leads to a disk or a log ends here.
constexpr std::size_t k_credential_limit_bytes = 1U << 20U;

/// The upper-case name first, as in Go.
std::string variable(const char* name, const char* other = nullptr) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread.
  if (value == nullptr && other != nullptr) {
    return variable(other);
  }
  return value == nullptr ? "" : value;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts;
}

template <typename Map>
std::string names_of(const Map& entries) {
  std::string names;
  for (const auto& [name, entry] : entries) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

/// Takes PEM text from the inline base64 or else from the file; inline wins, as in kubectl.
Result<std::string> pem(const std::string& what, const std::string& data, const std::string& file) {
  if (!data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) {
      return Error::invalid_argument(what + "-data is not valid base64")
          .with_hint("fill it with: base64 -w0 FILE");
    }
    // The usual slip is the base64 of a base64; OpenSSL would only say "no start line".
    if (decoded->find("-----BEGIN ") == std::string::npos) {
      return Error::invalid_argument(what + "-data is base64, but holds no PEM text")
          .with_hint("it must be the base64 of a text that begins with -----BEGIN");
    }
    return *decoded;
  }
  if (file.empty()) {
    return std::string();
  }
  auto text = read_file(file, k_credential_limit_bytes);
  if (!text) {
    return text.error().while_doing("reading " + what);
  }
  if (text->find("-----BEGIN ") == std::string::npos) {
    return Error::invalid_argument(what + " " + file + " holds no PEM text");
  }
  return *text;
}

Status take_cluster(Access& access, const ClusterEntry& cluster, const KubeOptions& options) {
  access.server = options.server.empty() ? cluster.server : options.server;
  // Paths are appended to it, and "//api" is another path.
  while (!access.server.empty() && access.server.back() == '/') {
    access.server.pop_back();
  }
  if (access.server.empty()) {
    return Error::invalid_argument("cluster '" + access.cluster + "' has no server address")
        .with_hint("kubectl config set-cluster " + access.cluster + " --server=https://HOST:PORT");
  }
  access.tls_server_name =
      options.tls_server_name.empty() ? cluster.tls_server_name : options.tls_server_name;
  access.insecure = options.insecure || cluster.insecure;
  access.proxy_url = cluster.proxy_url;
  access.exec_config = cluster.exec_config;
  const bool from_flag = !options.certificate_authority.empty();
  // As in kubectl: --insecure-skip-tls-verify overrides the kubeconfig's authority, and both from
  // one place is a mistake.
  if (options.insecure && !from_flag) {
    return {};
  }
  KREDIS_TRY(access.ca_pem,
             pem("certificate-authority",
                 from_flag ? "" : cluster.certificate_authority_data,
                 from_flag ? options.certificate_authority : cluster.certificate_authority));
  if (access.insecure && !access.ca_pem.empty()) {
    return Error::invalid_argument("cluster '" + access.cluster +
                                   "' has both a certificate authority and "
                                   "insecure-skip-tls-verify")
        .with_hint("keep one of the two");
  }
  return {};
}

Status take_user(Access& access, const UserEntry& user, const KubeOptions& options) {
  // kubectl has had none of the cloud providers' log-ins built in since 1.26.
  if (!user.auth_provider.empty() && options.token.empty()) {
    return Error::invalid_argument("user '" + access.user + "' logs in by the auth-provider '" +
                                   user.auth_provider + "', which Kubernetes has removed")
        .with_hint("use a credential plugin instead: kubectl config set-credentials " +
                   access.user +
                   " --exec-api-version=client.authentication.k8s.io/v1"
                   " --exec-command=COMMAND");
  }
  KREDIS_TRY(access.client_certificate_pem,
             pem("client-certificate", user.client_certificate_data, user.client_certificate));
  KREDIS_TRY(access.client_key_pem, pem("client-key", user.client_key_data, user.client_key));
  if (access.client_certificate_pem.empty() != access.client_key_pem.empty()) {
    const bool lacks_key = access.client_key_pem.empty();
    return Error::invalid_argument(
               "user '" + access.user + "' has a client " +
               (lacks_key ? "certificate but no key" : "key but no certificate"))
        .with_hint("give both client-certificate and client-key");
  }
  access.token = user.token;
  access.token_file = user.token_file;
  access.username = user.username;
  access.password = user.password;
  access.exec = user.exec;
  access.as = user.impersonate;
  access.as_uid = user.impersonate_uid;
  access.as_groups = user.impersonate_groups;
  access.as_extra = user.impersonate_extra;
  return {};
}

/// What was said on the command line beats the user's entry. A token replaces whatever else would
/// show who somebody is: a plugin that would ask for a log-in is not run.
void take_identity_flags(Access& access, const KubeOptions& options) {
  if (!options.token.empty()) {
    access.token = options.token;
    access.token_file.clear();
    access.username.clear();
    access.password.clear();
    access.exec.reset();
  }
  if (!options.as.empty()) {
    access.as = options.as;
  }
  if (!options.as_groups.empty()) {
    access.as_groups = options.as_groups;
  }
}

Result<ContextEntry> choose_context(const Kubeconfig& config,
                                    const KubeOptions& options,
                                    const std::string& name) {
  ContextEntry context;
  const auto found = config.contexts.find(name);
  if (found != config.contexts.end()) {
    context = found->second;
  } else if (!name.empty()) {
    return Error::invalid_argument("context '" + name + "' does not exist")
        .with_hint("known contexts: " + names_of(config.contexts));
  } else if (options.server.empty() && options.cluster.empty()) {
    // With --server or --cluster no context is needed, as in kubectl.
    return Error::invalid_argument("the kubeconfig has no current context")
        .with_hint("name one with --context, or: kubectl config use-context NAME (known: " +
                   names_of(config.contexts) + ")");
  }
  if (!options.cluster.empty()) {
    context.cluster = options.cluster;
  }
  if (!options.user.empty()) {
    context.user = options.user;
  }
  if (!options.namespace_.empty()) {
    context.namespace_ = options.namespace_;
  }
  return context;
}

/// As client-go's InClusterConfig: the token stays a file, since the kubelet renews it, and a
/// missing ca.crt is no error yet: the system's authorities may do.
Result<Access> service_account_access(const KubeOptions& options, const Environment& environment) {
  const std::string& folder = environment.service_account;
  Access access;
  const bool is_ipv6 = environment.service_host.find(':') != std::string::npos;
  access.server = "https://" +
                  (is_ipv6 ? "[" + environment.service_host + "]" : environment.service_host) +
                  ":" + environment.service_port;
  access.token_file = folder + "/token";
  auto token = read_file(access.token_file, k_credential_limit_bytes);
  if (!token) {
    return token.error()
        .with_hint(
            "give the pod a service account's token (automountServiceAccountToken: true), or "
            "name a kubeconfig with --kubeconfig or KUBECONFIG")
        .while_doing("looking for the pod's service account");
  }
  if (auto ca = pem("certificate-authority", "", folder + "/ca.crt")) {
    access.ca_pem = *ca;
  }
  if (const auto name = read_file(folder + "/namespace", k_credential_limit_bytes)) {
    access.namespace_ = std::string(core::trim(*name));
  }
  if (!options.namespace_.empty()) {
    access.namespace_ = options.namespace_;
  }
  take_identity_flags(access, options);
  return access;
}

}  // namespace

Environment Environment::of_process() {
  return {.kubeconfig = variable("KUBECONFIG"),
          .home = variable("HOME"),
          .service_host = variable("KUBERNETES_SERVICE_HOST"),
          .service_port = variable("KUBERNETES_SERVICE_PORT"),
          .https_proxy = variable("HTTPS_PROXY", "https_proxy"),
          .no_proxy = variable("NO_PROXY", "no_proxy"),
          .service_account = "/var/run/secrets/kubernetes.io/serviceaccount"};
}

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  // Asked first, as opening a folder succeeds and only reading it fails, with no word on why.
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const std::string reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
    return errno == ENOENT || errno == ENOTDIR
               ? Error::not_found("no file " + path)
                     .with_hint("name one that is there: --kubeconfig FILE, or KUBECONFIG")
               : Error::invalid_argument("cannot read " + path + ": " + reason);
  }
  if (S_ISDIR(status.st_mode)) {
    return Error::invalid_argument(path + " is a folder, not a file");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  // Read up to the bound and not by size: /dev/stdin and <(command) have none.
  std::array<char, 4096> buffer{};
  while (stream && text.size() <= limit_bytes) {
    stream.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream && !stream.eof()) {
    return Error::invalid_argument("cannot read " + path)
        .with_hint("check who may read it: ls -l " + path);
  }
  if (text.size() > limit_bytes) {
    return Error::invalid_argument(path + " is larger than " + std::to_string(limit_bytes) +
                                   " bytes");
  }
  return text;
}

Result<Kubeconfig> load_kubeconfig(const KubeOptions& options, const Environment& environment) {
  const bool is_named = !options.kubeconfig.empty();
  std::vector<std::string> files;
  if (is_named) {
    files = {options.kubeconfig};
  } else if (!environment.kubeconfig.empty()) {
    // --kubeconfig is one file and replaces the list; only KUBECONFIG's are merged (Kubernetes
    // docs, "Organizing Cluster Access Using kubeconfig Files").
    files = split(environment.kubeconfig, ':');
  } else if (!environment.home.empty()) {
    files = {environment.home + "/.kube/config"};
  }
  Kubeconfig merged;
  bool has_any = false;
  for (const std::string& file : files) {
    auto text = read_file(file, k_kubeconfig_limit_bytes);
    // kubectl passes over files of the list that are not there.
    if (!text && text.error().code == ErrorCode::not_found && !is_named) {
      continue;
    }
    if (!text) {
      return text.error().while_doing("reading the kubeconfig");
    }
    KREDIS_TRY(const Kubeconfig each, parse_kubeconfig(*text, file));
    merged = merge_kubeconfigs(std::move(merged), each);
    has_any = true;
  }
  if (!has_any) {
    std::string looked_at;
    for (const std::string& file : files) {
      looked_at += (looked_at.empty() ? "" : ", ") + file;
    }
    return Error::not_found("no kubeconfig found (looked for " +
                            (looked_at.empty() ? "nothing: HOME is not set" : looked_at) + ")")
        .with_hint("name one with --kubeconfig or KUBECONFIG");
  }
  return merged;
}

Result<Access> resolve_access(const Kubeconfig& config, const KubeOptions& options) {
  const std::string name = options.context.empty() ? config.current_context : options.context;
  KREDIS_TRY(const ContextEntry context, choose_context(config, options, name));
  Access access;
  access.context = name;
  access.cluster = context.cluster;
  access.user = context.user;
  if (!context.namespace_.empty()) {
    access.namespace_ = context.namespace_;
  }
  const auto cluster = config.clusters.find(context.cluster);
  if (cluster == config.clusters.end() && (!context.cluster.empty() || options.server.empty())) {
    return Error::invalid_argument("context '" + name + "' names the cluster '" + context.cluster +
                                   "', which does not exist")
        .with_hint("known clusters: " + names_of(config.clusters));
  }
  KREDIS_CHECK(take_cluster(
      access, cluster == config.clusters.end() ? ClusterEntry{} : cluster->second, options));
  const auto user = config.users.find(context.user);
  if (user == config.users.end() && !context.user.empty()) {
    return Error::invalid_argument("context '" + name + "' names the user '" + context.user +
                                   "', which does not exist")
        .with_hint("known users: " + names_of(config.users));
  }
  if (user != config.users.end()) {
    KREDIS_CHECK(take_user(access, user->second, options));
  }
  take_identity_flags(access, options);
  return access;
}

Result<Access> find_access(const KubeOptions& options, const Environment& environment) {
  auto config = load_kubeconfig(options, environment);
  const bool is_in_cluster = !environment.service_host.empty() && !environment.service_port.empty();
  // An empty kubeconfig counts as none, as in kubectl: a pod may have a ~/.kube/config without
  // entries.
  const bool is_absent = config ? config->clusters.empty() && config->contexts.empty()
                                : config.error().code == ErrorCode::not_found;
  if (is_absent && options.kubeconfig.empty()) {
    if (is_in_cluster && options.server.empty()) {
      return service_account_access(options, environment);
    }
    if (!options.server.empty()) {
      config = Kubeconfig{};
    }
  }
  if (!config) {
    return config.error();
  }
  KREDIS_TRY(Access access, resolve_access(*config, options));
  // The cluster's proxy-url wins over the environment's (kubeconfig v1, Cluster).
  if (access.proxy_url.empty()) {
    access.proxy_url = proxy_for(access.server, environment.https_proxy, environment.no_proxy);
  }
  return access;
}

}  // namespace kredis::kube
