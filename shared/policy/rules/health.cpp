// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/health.hpp"

#include <algorithm>

#include "shared/policy/hooks.hpp"
#include "shared/policy/launch.hpp"
#include "shared/policy/memory.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/rules/meeting.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

const Json& probe(const Subject& subject, const char* name) {
  return member(subject.container(), {name});
}

std::string probe_path(const Subject& subject, const char* name) {
  return joined(subject.container_path(), name);
}

/// A probe that somebody wrote is judged, but never replaced or completed.
bool is_missing(const Subject& subject, const char* name) {
  return subject.container().is_object() && probe(subject, name).is_null();
}

void report_missing(const Subject& subject,
                    Report& report,
                    const char* name,
                    const std::string& message) {
  if (is_missing(subject, name)) {
    report.objection(probe_path(subject, name), "nothing", "a probe by exec", message);
  }
}

/// The shell text that a probe runs: its words, and the script of a ConfigMap where a word names
/// one. Judged by what is in it (PONG, cluster_state), as shell cannot be understood.
std::string probe_text(const Subject& subject, const char* name) {
  std::string all;
  for (const Json& word : items(member(probe(subject, name), {"exec", "command"}))) {
    all += text(word) + "\n";
    const MountedFile file = mounted_file(subject.pod(), subject.container(), text(word));
    if (const Json* map = file.key.empty() ? nullptr : subject.look_up("ConfigMap", file.object)) {
      all += text(member(*map, {"data", file.key})) + "\n";
    }
  }
  return all;
}

/// How long a probe fails before something is done. Units: seconds; Kubernetes' own defaults.
std::int64_t patience(const Json& probe) {
  constexpr std::int64_t k_period = 10;
  constexpr std::int64_t k_threshold = 3;
  // So that the product of two numbers that somebody made up does not overflow.
  constexpr std::int64_t k_absurd = 1'000'000'000;
  const auto within = [=](std::int64_t value) {
    return std::clamp<std::int64_t>(value, 0, k_absurd);
  };
  return within(number(member(probe, {"periodSeconds"})).value_or(k_period)) *
         within(number(member(probe, {"failureThreshold"})).value_or(k_threshold));
}

void add_probe(const Subject& subject,
               Patch& patch,
               const char* name,
               const std::optional<Json>& command,
               Json timing) {
  const auto port = subject.client_port();
  if (!is_missing(subject, name) || !port) {
    return;
  }
  if (command) {
    timing["exec"] = {{"command", *command}};
  } else {
    // The weaker probe, where redis-cli has no way in: a server that loads or hangs still accepts.
    timing["tcpSocket"] = {{"port", *port}};
  }
  // Kubernetes' default of 1 s is less than the 3 s that the command waits for an answer.
  timing["timeoutSeconds"] = 5;
  patch.add(probe_path(subject, name), std::move(timing));
}

/// OrderedReady is the default (Kubernetes docs, StatefulSets, "Pod Management Policies").
bool starts_in_order(const Subject& subject) {
  return subject.kind() == k_stateful_set &&
         text(member(subject.object(), {"spec", "podManagementPolicy"})) != "Parallel";
}

/// Where nothing is said RC061 fills this figure in; Kubernetes' 30 s will not be in force.
std::int64_t grace_seconds(const Subject& subject) {
  return number(member(subject.pod(), {"terminationGracePeriodSeconds"})).value_or(k_grace_seconds);
}

/// Whether the pod would be without a request: Kubernetes copies a limit into an absent request
/// (docs, "Resource Management for Pods and Containers").
bool lacks_request(const Subject& subject, std::string_view resource) {
  const Json& resources = member(subject.container(), {"resources"});
  return subject.container().is_object() && member(resources, {"requests", resource}).is_null() &&
         member(resources, {"limits", resource}).is_null();
}

/// A request below what the data takes is worse than none: the scheduler would pile such pods on
/// one node.
bool may_request(const Subject& subject, std::string_view resource) {
  const auto setting = subject.setting("maxmemory");
  const auto memory = max_memory(subject);
  const bool known = !subject.may_hide("maxmemory") && !(setting && !setting->known);
  constexpr std::int64_t k_default_memory = 100LL << 20;
  return resource != "memory" || (known && (!memory || *memory <= k_default_memory));
}

}  // namespace

void check_readiness(const Subject& subject, Report& report) {
  report_missing(
      subject, report, "readinessProbe", "clients are sent to a node before it can serve");
}

void patch_readiness(const Subject& subject, Patch& patch) {
  // With OrderedReady the next pod waits for this one, so readiness must not wait for the cluster;
  // nor where nodes find each other by a name that only those have who are ready.
  const bool waits = !starts_in_order(subject) && has_names_before_ready(subject);
  const ReadyWhen when = waits ? ReadyWhen::serves : ReadyWhen::answers;
  add_probe(subject,
            patch,
            "readinessProbe",
            ready_command(subject, when),
            {{"periodSeconds", 3}, {"failureThreshold", 2}});
}

void check_startup(const Subject& subject, Report& report) {
  report_missing(subject, report, "startupProbe", "nothing waits for the data set to be read");
}

void patch_startup(const Subject& subject, Patch& patch) {
  add_probe(subject,
            patch,
            "startupProbe",
            loaded_command(subject),
            {{"periodSeconds", 1}, {"failureThreshold", k_loading_seconds}});
}

void check_liveness(const Subject& subject, Report& report) {
  report_missing(subject, report, "livenessProbe", "a node that hangs is never restarted");
}

void patch_liveness(const Subject& subject, Patch& patch) {
  add_probe(subject,
            patch,
            "livenessProbe",
            alive_command(subject),
            {{"periodSeconds", 10}, {"failureThreshold", 12}});
}

void check_loading_lives(const Subject& subject, Report& report) {
  const std::string asked = probe_text(subject, "livenessProbe");
  if (asked.find("PONG") != std::string::npos && is_missing(subject, "startupProbe")) {
    report.objection(probe_path(subject, "livenessProbe"),
                     "a probe that insists on PONG",
                     "a startupProbe beside it, or a probe that takes any answer",
                     "a node that loads its data is killed, and begins to load anew");
  }
}

void check_startup_patience(const Subject& subject, Report& report) {
  constexpr std::int64_t k_least = 600;
  const Json& startup = probe(subject, "startupProbe");
  if (startup.is_object() && patience(startup) < k_least) {
    report.objection(probe_path(subject, "startupProbe") + "/failureThreshold",
                     std::to_string(patience(startup)) + " s in all",
                     "600 s or more",
                     "a node that loads for longer is killed, and begins to load anew");
  }
}

void check_liveness_alone(const Subject& subject, Report& report) {
  const std::string asked = probe_text(subject, "livenessProbe");
  if (asked.find("cluster_state") != std::string::npos) {
    report.objection(probe_path(subject, "livenessProbe"),
                     "a probe that asks for cluster_state",
                     "a probe that asks for PING",
                     "every node is restarted when some slots are down");
  }
}

void check_liveness_patience(const Subject& subject, Report& report) {
  constexpr std::int64_t k_least = 30;
  const Json& liveness = probe(subject, "livenessProbe");
  if (liveness.is_object() && patience(liveness) < k_least) {
    report.objection(probe_path(subject, "livenessProbe") + "/failureThreshold",
                     std::to_string(patience(liveness)) + " s in all",
                     "30 s or more",
                     "a node that is busy for a moment is killed");
  }
}

void check_no_deadlock(const Subject& subject, Report& report) {
  const std::string asked = probe_text(subject, "readinessProbe");
  if (starts_in_order(subject) && asked.find("cluster_state") != std::string::npos) {
    report.objection("/spec/podManagementPolicy",
                     shown(member(subject.object(), {"spec", "podManagementPolicy"})),
                     "Parallel",
                     "readiness asks for cluster_state, which the first pod alone never reaches");
  }
}

void check_pre_stop(const Subject& subject, Report& report) {
  if (subject.container().is_object() &&
      member(subject.container(), {"lifecycle", "preStop"}).is_null()) {
    report.objection(subject.container_path() + "/lifecycle/preStop",
                     "nothing",
                     "a hook that hands the slots to a replica and waits for it",
                     "every restart of a master is a failover");
  }
}

void patch_pre_stop(const Subject& subject, Patch& patch) {
  if (!member(subject.container(), {"lifecycle", "preStop"}).is_null()) {
    return;
  }
  // The grace period runs from the start of the hook (Kubernetes docs, Pod Lifecycle). Half of it
  // stays for Redis: it waits for its replicas (shutdown-timeout, 10 s) and writes its files.
  const std::int64_t seconds =
      std::clamp<std::int64_t>(grace_seconds(subject) / 2, 1, k_hand_over_seconds);
  if (const auto command = hand_over_command(subject, seconds)) {
    patch.add(subject.container_path() + "/lifecycle/preStop", {{"exec", {{"command", *command}}}});
  }
}

void check_grace(const Subject& subject, Report& report) {
  if (member(subject.pod(), {"terminationGracePeriodSeconds"}).is_null()) {
    report.objection(Subject::pod_path() + "/terminationGracePeriodSeconds",
                     "nothing (30)",
                     std::to_string(k_grace_seconds),
                     "a pod may be killed while it hands over");
  }
}

void patch_grace(const Subject& subject, Patch& patch) {
  if (subject.pod().is_object()) {
    patch.add(Subject::pod_path() + "/terminationGracePeriodSeconds", k_grace_seconds);
  }
}

void check_requests(const Subject& subject, Report& report) {
  for (const auto& [resource, amount] : k_default_requests) {
    if (lacks_request(subject, resource)) {
      const auto memory = resource == "memory" ? max_memory(subject) : std::nullopt;
      report.objection(
          joined(subject.container_path() + "/resources/requests", resource),
          "nothing",
          memory ? "more than maxmemory, " + std::to_string(*memory) + " bytes"
                 : std::string(amount),
          "the scheduler does not know what " + std::string(resource) + " the pod needs");
    }
  }
  const auto asked = memory_request(subject);
  const auto memory = max_memory(subject);
  if (asked && memory && *asked < *memory) {
    report.objection(subject.container_path() + "/resources/requests/memory",
                     shown(member(subject.container(), {"resources", "requests", "memory"})),
                     "more than maxmemory, " + std::to_string(*memory) + " bytes",
                     "the scheduler puts more such pods on a node than their data fits in");
  }
}

void patch_requests(const Subject& subject, Patch& patch) {
  for (const auto& [resource, amount] : k_default_requests) {
    if (lacks_request(subject, resource) && may_request(subject, resource)) {
      patch.add(joined(subject.container_path() + "/resources/requests", resource), amount);
    }
  }
}

}  // namespace kredis::policy
