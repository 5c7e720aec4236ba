// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/launching.hpp"

#include <algorithm>
#include <array>

#include "shared/core/text.hpp"
#include "shared/policy/launch.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

std::string default_config() {
  return std::string(k_config_path) + "/" + std::string(k_config_key);
}

/// What these start from is known. Other images (Bitnami's, for one) bring a configuration and
/// scripts of their own, which need no mount.
bool is_official(const Subject& subject) {
  return is_official_image(text(member(subject.container(), {"image"})));
}

/// The file that must be mounted for the server to start; empty when nothing must.
std::string needed_file(const Subject& subject) {
  const Launch& launch = subject.launch();
  if (!is_official(subject) || subject.setting("cluster-enabled").has_value()) {
    return {};
  }
  if (!launch.config_path.empty()) {
    return launch.config_path.starts_with('/') ? launch.config_path : std::string{};
  }
  // Programs in these folders come with the image; another file can only come from a mount.
  constexpr std::array<std::string_view, 4> k_of_images{"/bin/", "/sbin/", "/usr/", "/opt/"};
  for (const std::string& word : launch.words) {
    if (word.starts_with('/') && std::ranges::none_of(k_of_images, [&](std::string_view folder) {
          return word.starts_with(folder);
        })) {
      return word;
    }
  }
  // A bare server, or none: `patch_command` gives it the default file in the same round.
  const bool silent = launch.words.empty() || launch.words.size() == 1;
  return silent && !launch.server.empty() ? default_config() : std::string{};
}

bool lacks_file(const Subject& subject) {
  const std::string file = needed_file(subject);
  return !file.empty() && subject.mount_of(file).is_null();
}

/// The volume that the file's mount names and that is not there; empty when it is.
std::string missing_volume(const Subject& subject) {
  const std::string file = needed_file(subject);
  const std::string volume = file.empty() ? "" : text(member(subject.mount_of(file), {"name"}));
  const bool there = !subject.volume(volume).is_null() || !subject.claim_template(volume).is_null();
  return there ? std::string{} : volume;
}

Json config_volume(const Subject& subject, std::string_view name) {
  return {{"name", name}, {"configMap", {{"name", names_of(subject.cluster()).config_map}}}};
}

/// An ACL file may hold `default` with a password or without. It gets the benefit of the doubt.
bool has_password(const Subject& subject) {
  for (const char* key : {"requirepass", "user", "aclfile"}) {
    if (subject.setting(key)) {
      return true;
    }
  }
  return subject.launch().scripts.find("requirepass") != std::string::npos;
}

/// clientAcceptHandler() in networking.c: as long as `default` has no password, only loopback
/// addresses are answered. Since Redis 7.0 a `bind` line does not lift that any more.
bool is_closed(const Subject& subject) {
  const auto mode = subject.setting("protected-mode");
  // The official images are built with protected-mode off (their Dockerfiles change config.c).
  const bool off = mode ? !mode->known || core::to_lower(mode->first()) == "no"
                        : is_official_image(text(member(subject.container(), {"image"})));
  return subject.sees_configuration() && !has_password(subject) && !off &&
         subject.launch().scripts.find("protected-mode no") == std::string::npos;
}

/// A script that mends nodes.conf or passes the address on does what announcing would do. One that
/// nobody can see may do so, and gets the benefit of the doubt.
bool announces(const Subject& subject) {
  if (subject.setting("cluster-announce-ip") || subject.setting("cluster-announce-hostname")) {
    return true;
  }
  const Launch& launch = subject.launch();
  return launch.scripts.find("cluster-announce-ip") != std::string::npos ||
         launch.scripts.find("nodes.conf") != std::string::npos || !subject.sees_configuration();
}

/// The variable that holds the pod's address; empty when there is none.
/// Whatever it is called: many charts have one already.
std::string address_variable(const Subject& subject) {
  for (const Json& variable : items(member(subject.container(), {"env"}))) {
    if (text(member(variable, {"valueFrom", "fieldRef", "fieldPath"})) == "status.podIP") {
      return text(member(variable, {"name"}));
    }
  }
  return {};
}

bool has_port(const Subject& subject, std::int64_t port) {
  return std::ranges::any_of(items(member(subject.container(), {"ports"})), [&](const Json& each) {
    return number(member(each, {"containerPort"})) == port;
  });
}

/// The API server refuses a second port of the same name, so one with another number stays, and
/// RC023 reports it.
void add_port(const Subject& subject,
              Patch& patch,
              std::string_view name,
              std::optional<std::int64_t> port) {
  const bool taken =
      std::ranges::any_of(items(member(subject.container(), {"ports"})),
                          [&](const Json& each) { return text(member(each, {"name"})) == name; });
  if (port && !taken && !has_port(subject, *port) && subject.container().is_object()) {
    patch.add(subject.container_path() + "/ports/-",
              {{"name", name}, {"containerPort", *port}, {"protocol", "TCP"}});
  }
}

void report_port(const Subject& subject,
                 Report& report,
                 std::string_view what,
                 std::optional<std::int64_t> port) {
  if (port && subject.container().is_object() && !has_port(subject, *port)) {
    report.objection(subject.container_path() + "/ports",
                     shown(member(subject.container(), {"ports"})),
                     "containerPort: " + std::to_string(*port),
                     "the container does not declare the " + std::string(what) + " port " +
                         std::to_string(*port));
  }
}

/// Words after the last that is there: in args, or in command where only that is given.
void add_arguments(const Subject& subject, Patch& patch, const std::vector<std::string>& words) {
  // With `command` alone the image's own arguments do not count, so the line ends in `command`.
  const bool in_command = items(member(subject.container(), {"args"})).empty();
  const std::string list = subject.container_path() + (in_command ? "/command/-" : "/args/-");
  for (const std::string& word : words) {
    patch.add(list, word);
  }
}

}  // namespace

void check_config_mounted(const Subject& subject, Report& report) {
  if (lacks_file(subject)) {
    report.objection(subject.container_path() + "/volumeMounts",
                     shown(member(subject.container(), {"volumeMounts"})),
                     "a mount of the ConfigMap that holds " + needed_file(subject),
                     "the server starts from " + needed_file(subject) + ", which is not mounted");
  } else if (const std::string volume = missing_volume(subject); !volume.empty()) {
    report.objection(Subject::pod_path() + "/volumes",
                     shown(member(subject.pod(), {"volumes"})),
                     "a volume " + volume + " of the ConfigMap that holds " + needed_file(subject),
                     "the volume " + shown(Json(volume)) + " is mounted and not there");
  }
}

void patch_config_mounted(const Subject& subject, Patch& patch) {
  if (const std::string volume = missing_volume(subject); !volume.empty()) {
    patch.add(Subject::pod_path() + "/volumes/-", config_volume(subject, volume));
  }
  if (!lacks_file(subject)) {
    return;
  }
  const std::string file = needed_file(subject);
  const std::string folder = file.substr(0, file.rfind('/'));
  if (folder.empty()) {
    return;
  }
  const Json& there = subject.volume(k_config_volume);
  if (there.is_null()) {
    patch.add(Subject::pod_path() + "/volumes/-", config_volume(subject, k_config_volume));
  } else if (!there.contains("configMap")) {
    return;
  }
  patch.add(subject.container_path() + "/volumeMounts/-",
            {{"name", k_config_volume}, {"mountPath", folder}});
}

void check_command(const Subject& subject, Report& report) {
  if (subject.launch().server.empty() && subject.launch().words.empty() &&
      subject.container().is_object()) {
    report.objection(subject.container_path() + "/command",
                     "nothing",
                     "[redis-server, " + default_config() + "]",
                     "nothing says how the server is started in cluster mode");
  } else if (subject.starts_bare()) {
    report.objection(subject.container_path() + "/command",
                     shown(Json(subject.launch().words)),
                     "[" + subject.launch().server + ", " + default_config() + "]",
                     "the server starts without a configuration, so not in cluster mode");
  }
}

/// Where more words are given somebody has a plan; the check still tells that it lacks a file.
void patch_command(const Subject& subject, Patch& patch) {
  if (!subject.starts_bare()) {
    return;
  }
  const std::size_t words = subject.launch().words.size();
  if (words == 0) {
    patch.add(subject.container_path() + "/command", Json::array({subject.launch().server}));
  }
  if (words <= 1) {
    patch.add(subject.container_path() + "/args/-", default_config());
  }
}

void check_protected_mode(const Subject& subject, Report& report) {
  if (is_closed(subject)) {
    const auto mode = subject.setting("protected-mode");
    report.objection(mode && !mode->path.empty() ? mode->path : subject.container_path() + "/args",
                     mode ? "protected-mode " + shown(mode->first()) : "nothing",
                     "--protected-mode no, or a password",
                     "without a password, protected mode keeps the nodes from each other");
  }
}

void patch_protected_mode(const Subject& subject, Patch& patch) {
  // A line that says `yes` was written on purpose: it is reported, not overruled.
  if (is_closed(subject) && !subject.setting("protected-mode") && subject.passes_on()) {
    add_arguments(subject, patch, {"--protected-mode", "no"});
  }
}

void check_announce(const Subject& subject, Report& report) {
  if (!announces(subject)) {
    report.objection(subject.container_path() + "/args",
                     shown(Json(subject.launch().words)),
                     "--cluster-announce-ip $(POD_IP), with POD_IP from status.podIP",
                     "after a restart the others may seek this node at its old address");
  }
}

/// Without an announced address peers take the one that a packet comes from
/// (nodeUpdateAddressIfNeeded() in cluster.c), but only from a node that reaches them. If all pods
/// move at once, nobody does: each seeks the others where nodes.conf says.
void patch_announce(const Subject& subject, Patch& patch) {
  if (announces(subject) || !subject.passes_on()) {
    return;
  }
  std::string variable = address_variable(subject);
  if (variable.empty()) {
    variable = "POD_IP";
    for (const Json& each : items(member(subject.container(), {"env"}))) {
      if (text(member(each, {"name"})) == variable) {
        return;  // Somebody means something else by that name.
      }
    }
    patch.add(subject.container_path() + "/env/-",
              {{"name", variable}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}});
  }
  add_arguments(subject, patch, {"--cluster-announce-ip", "$(" + variable + ")"});
}

void check_client_port(const Subject& subject, Report& report) {
  report_port(subject, report, "client", subject.client_port());
}

void patch_client_port(const Subject& subject, Patch& patch) {
  add_port(subject, patch, "redis", subject.client_port());
}

void check_bus_port(const Subject& subject, Report& report) {
  report_port(subject, report, "bus", subject.bus_port());
}

void patch_bus_port(const Subject& subject, Patch& patch) {
  add_port(subject, patch, "cluster", subject.bus_port());
}

void check_named_ports(const Subject& subject, Report& report) {
  const Json& ports = items(member(subject.container(), {"ports"}));
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string name = text(member(ports[i], {"name"}));
    const bool bus = name == "cluster" || name == "bus" || name == "gossip";
    const auto wanted = bus ? subject.bus_port() : subject.client_port();
    const auto found = number(member(ports[i], {"containerPort"}));
    if ((bus || name == "redis" || name == "client") && found && wanted && found != wanted) {
      report.objection(
          joined(subject.container_path() + "/ports", i) + "/containerPort",
          std::to_string(*found),
          std::to_string(*wanted),
          "the server uses " + std::to_string(*wanted) + " for what this port is named");
    }
  }
}

/// The scheduler keeps a preferred term only where it can; ports of a node need the required one.
void check_host_network(const Subject& subject, Report& report) {
  const Json& required = items(
      member(subject.pod(),
             {"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}));
  if (is_true(member(subject.pod(), {"hostNetwork"})) && required.empty()) {
    report.objection(Subject::pod_path() + "/hostNetwork",
                     "true",
                     "required anti-affinity by kubernetes.io/hostname",
                     "two pods on one node would fight for the node's ports");
  }
}

}  // namespace kredis::policy
