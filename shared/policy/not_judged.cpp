// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/not_judged.hpp"

#include <algorithm>
#include <array>

#include "shared/policy/launch.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

struct ServedKind {
  std::string_view kind;
  std::string_view api_version;
};

/// What rules look at, as API servers serve it today.
constexpr std::array k_served{ServedKind{"StatefulSet", "apps/v1"},
                              ServedKind{"Deployment", "apps/v1"},
                              ServedKind{"ConfigMap", "v1"},
                              ServedKind{"Service", "v1"},
                              ServedKind{"PodDisruptionBudget", "policy/v1"}};

/// Kinds that run pods and that no rule looks at.
bool is_other_workload(std::string_view kind) {
  constexpr std::array<std::string_view, 5> kinds{
      "DaemonSet", "ReplicaSet", "ReplicationController", "Pod", "Job"};
  return std::ranges::find(kinds, kind) != kinds.end();
}

/// Groups of others have a domain's name (Knative has a Service of its own).
bool is_foreign_group(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash != api_version.npos && api_version.substr(0, slash).find('.') != api_version.npos;
}

Silence misspelt(const Json& object) {
  const std::string version = text(member(object, {"apiVersion"}));
  const std::string kind = text(member(object, {"kind"}));
  if (version.empty() && !kind.empty()) {
    return {.because = "it has no apiVersion, and no API server takes it", .broken = true};
  }
  const auto* const served = std::ranges::find(k_served, std::string_view(kind), &ServedKind::kind);
  if (kind_of(object) != 0 || served == k_served.end() || is_foreign_group(version)) {
    return {};
  }
  return {.because = "API servers have no " + kind + " of " + shown(version) +
                     "; write apiVersion: " + std::string(served->api_version),
          .path = "/apiVersion",
          .broken = true};
}

/// The same pods as a StatefulSet's, to look at how they start.
Json as_stateful_set(const Json& object) {
  const bool pod = text(member(object, {"kind"})) == "Pod";
  const Json& spec = pod ? member(object, {"spec"}) : member(object, {"spec", "template", "spec"});
  Json set = {{"apiVersion", "apps/v1"}, {"kind", "StatefulSet"}};
  set["metadata"] = member(object, {"metadata"});
  set["spec"]["template"]["spec"] = spec;
  return set;
}

/// Images that run a server of Redis in a way of their own, by their names.
bool brings_its_own(const Json& container) {
  constexpr std::array<std::string_view, 5> images{
      "redis", "valkey", "redis-cluster", "valkey-cluster", "redis-stack"};
  const std::string image = text(member(container, {"image"}));
  return !is_official_image(image) && std::ranges::find(images, image_base(image)) != images.end();
}

/// Why it cannot be said whether the pods run a cluster; empty where it can.
std::string unseen(const Json& workload, const Surroundings& around) {
  const Subject subject(workload, around);
  const Launch& launch = subject.launch();
  // A server that is told nothing is one on its own.
  if (launch.sentinel || subject.starts_bare()) {
    return {};
  }
  if (launch.server.empty()) {
    return brings_its_own(subject.container())
               ? "its image decides how the server starts, and with which configuration"
               : "";
  }
  const auto enabled = subject.setting("cluster-enabled");
  const bool open = enabled ? !enabled->known : subject.may_hide("cluster-enabled");
  return open ? "its configuration is not seen: " + subject.hidden_because() : std::string{};
}

}  // namespace

Silence silence_on(const Json& object, const Surroundings& around) {
  if (Silence wrong = misspelt(object); !wrong.because.empty()) {
    return wrong;
  }
  if (text(member(object, {"metadata", "annotations", k_ignore_annotation})) == "true") {
    return {};
  }
  const std::string kind = text(member(object, {"kind"}));
  if (is_other_workload(kind) && items(member(object, {"metadata", "ownerReferences"})).empty()) {
    const Json set = as_stateful_set(object);
    const bool cluster = is_cluster_workload(set, around) || !unseen(set, around).empty();
    return {.because = cluster ? "no rule is for a " + kind + ", and it runs Redis" : "",
            .path = "/kind"};
  }
  if ((kind_of(object) & k_workload) == 0) {
    return {};
  }
  const std::string owner = owner_of(object);
  if (is_cluster_workload(object, around)) {
    const Subject subject(object, around);
    const bool hidden = !subject.sees_configuration() && subject.may_hide("cluster-enabled") &&
                        !subject.setting("cluster-enabled");
    return {.because = !owner.empty() ? "it is made by " + owner + ", which would undo any change"
                       : hidden       ? "its configuration is not seen: " + subject.hidden_because()
                                      : "",
            .path = "/metadata"};
  }
  return {.because = unseen(object, around), .path = Subject::pod_path()};
}

}  // namespace kredis::policy
