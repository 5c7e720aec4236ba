// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/redis_process.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/json_access.hpp"
#include "shared/policy/launch.hpp"
#include "shared/policy/names.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::observe {
namespace {

using policy::items;
using policy::member;
using policy::text;

/// What redis-cli and valkey-cli read by themselves.
constexpr std::array<std::string_view, 2> k_client_variables{"REDISCLI_AUTH", "VALKEYCLI_AUTH"};
/// What images and charts give their server the password in.
constexpr std::array<std::string_view, 4> k_server_variables{
    "REDIS_PASSWORD", "VALKEY_PASSWORD", "REDIS_AUTH", "REDIS_PASS"};
constexpr std::array<std::string_view, 2> k_file_variables{"REDIS_PASSWORD_FILE",
                                                           "VALKEY_PASSWORD_FILE"};

const Json& variable(const Json& container, std::string_view name) {
  for (const Json& each : items(member(container, {"env"}))) {
    if (text(member(each, {"name"})) == name) {
      return each;
    }
  }
  return member(container, {"none"});
}

KeyIn secret_of(const Json& variable) {
  const Json& from = member(variable, {"valueFrom", "secretKeyRef"});
  const std::string& secret = text(member(from, {"name"}));
  return secret.empty() ? KeyIn{} : KeyIn{secret, text(member(from, {"key"}))};
}

KeyIn file_in_secret(const policy::Subject& subject, std::string_view path) {
  const policy::MountedFile file =
      policy::mounted_file(subject.pod(), subject.container(), path, policy::VolumeOf::secret);
  return {file.object, file.key};
}

/// "$(REDIS_PASSWORD)", as Kubernetes replaces it in arguments, and "$REDIS_PASSWORD" of a shell.
std::string variable_in(std::string_view argument) {
  const bool is_reference = argument.size() > 1 && argument.front() == '$';
  if (!is_reference) {
    return {};
  }
  argument.remove_prefix(1);
  const bool in_brackets = argument.front() == '(' || argument.front() == '{';
  return std::string(in_brackets ? argument.substr(1, argument.size() - 2) : argument);
}

KeyIn first_secret(const Json& container, const auto& names) {
  for (const std::string_view name : names) {
    KeyIn found = secret_of(variable(container, name));
    if (!found.empty()) {
      return found;
    }
  }
  return {};
}

/// Of the server's container before others: an exporter beside it is given the password, too.
KeyIn secret_in_environment(const policy::Subject& subject) {
  KeyIn found = first_secret(subject.container(), k_client_variables);
  if (found.empty()) {
    found = first_secret(subject.container(), k_server_variables);
  }
  for (const Json& container : items(member(subject.pod(), {"containers"}))) {
    if (found.empty()) {
      found = first_secret(container, k_client_variables);
    }
  }
  return found;
}

/// What the server was told comes first: a password for its clients may be another user's.
void read_password(const policy::Subject& subject, RedisProcess& process) {
  for (const std::string_view name : k_client_variables) {
    process.knows_password |= variable(subject.container(), name).is_object();
  }
  const auto required = subject.setting("requirepass");
  const std::string said = required ? required->first() : std::string{};
  if (const std::string name = variable_in(said); !name.empty()) {
    process.password = secret_of(variable(subject.container(), name));
  } else {
    process.plain_password = said;
  }
  if (process.password.empty()) {
    process.password = secret_in_environment(subject);
  }
  for (const std::string_view name : k_file_variables) {
    const std::string& path = text(member(variable(subject.container(), name), {"value"}));
    if (process.password.empty() && !path.empty()) {
      process.password = file_in_secret(subject, path);
    }
  }
}

/// Where the server asks its clients for certificates, its own serve as one: Redis uses them so
/// itself, between its nodes.
void read_certificates(const policy::Subject& subject, RedisProcess& process) {
  process.tls =
      subject.number_of("tls-port", 0) > 0 && subject.number_of("port", policy::k_redis_port) == 0;
  if (!process.tls) {
    return;
  }
  const auto path = [&subject](std::string_view setting) {
    const auto said = subject.setting(setting);
    return said ? said->first() : std::string{};
  };
  process.certificate_files = {
      path("tls-ca-cert-file"), path("tls-cert-file"), path("tls-key-file")};
  const CertificateFiles& files = process.certificate_files;
  process.certificates = {file_in_secret(subject, files.ca),
                          file_in_secret(subject, files.certificate),
                          file_in_secret(subject, files.key)};
}

/// The port that is named redis, else the first that is no other's bus.
int declared_port(const policy::Subject& subject) {
  std::vector<int> ports;
  for (const Json& each : items(member(subject.container(), {"ports"}))) {
    const auto port = policy::number(member(each, {"containerPort"}));
    if (!port || *port <= 0 || *port >= 65'536) {
      continue;
    }
    ports.push_back(static_cast<int>(*port));
    if (text(member(each, {"name"})) == "redis") {
      return ports.back();
    }
  }
  const auto found = std::ranges::find_if(ports, [&](int port) {
    return std::ranges::find(ports, port - core::k_bus_offset) == ports.end();
  });
  return found == ports.end() ? policy::k_redis_port : *found;
}

/// What the server was told, where one sees it; what the pod declares is for people only, and may
/// be left out. https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
int port_of(const policy::Subject& subject) {
  const bool said = subject.setting("port") || subject.setting("tls-port");
  const auto port = subject.client_port();
  const bool usable = port && *port > 0 && *port < 65'536;
  return usable && (said || subject.sees_configuration()) ? static_cast<int>(*port)
                                                          : declared_port(subject);
}

}  // namespace

const Json* ConfigMaps::find(const std::string& name) {
  auto known = known_.find(name);
  if (known == known_.end()) {
    auto read = kube_.get({{"v1", "configmaps"}, where_, name});
    known = known_.emplace(name, read ? std::move(*read) : Json()).first;
  }
  return known->second.is_null() ? nullptr : &known->second;
}

policy::Surroundings ConfigMaps::surroundings() {
  return {.find = [this](std::string_view kind, std::string_view, std::string_view name)
              -> const Json* { return kind == "ConfigMap" ? find(std::string(name)) : nullptr; },
          .list = [](std::string_view, std::string_view) { return std::vector<const Json*>{}; }};
}

Json as_workload(const Json& pod) {
  Json metadata = pod.value("metadata", Json::object());
  Json spec{{"template", {{"metadata", metadata}, {"spec", pod.value("spec", Json::object())}}}};
  // What governs the pod's name in the network, and with that the name in its certificate.
  if (const std::string subdomain = text_at(pod, "/spec/subdomain"); !subdomain.empty()) {
    spec["serviceName"] = subdomain;
  }
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

RedisProcess read_process(const Json& workload, const policy::Surroundings& around) {
  const policy::Subject subject(workload, around);
  RedisProcess process{
      .place = {.container = policy::redis_container(subject.pod()), .port = port_of(subject)},
      .container = text(member(subject.container(), {"name"})),
      .config = {subject.config_file().object, subject.config_file().key}};
  read_password(subject, process);
  read_certificates(subject, process);
  return process;
}

}  // namespace kredis::observe
