// SPDX-License-Identifier: Apache-2.0
//
// What goes beside a workload (ConfigMap, Service, budget), between it and its pods (ReplicaSet),
// or around it (namespace).
#include <algorithm>
#include <utility>

#include "shared/core/findings/survival.hpp"
#include "shared/policy/inquiry.hpp"
#include "shared/policy/json_access.hpp"
#include "shared/policy/names.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// "redis-app-6d5f7c9b4" of the Deployment redis-app: its hash has no dash.
bool is_replica_set_of(std::string_view set, const Json& workload) {
  const std::string prefix = guarded::name_of(workload) + "-";
  return !guarded::is_stateful_set(workload) && set.starts_with(prefix) &&
         set.size() > prefix.size() &&
         set.substr(prefix.size()).find('-') == std::string_view::npos;
}

bool has_other_budget(const Json& budget, const Json& workload, const Surroundings& around) {
  return std::ranges::any_of(
      around.list("PodDisruptionBudget", text(member(budget, {"metadata", "namespace"}))),
      [&](const Json* each) {
        return guarded::name_of(*each) != guarded::name_of(budget) && !guarded::is_leaving(*each) &&
               selects(member(*each, {"spec", "selector"}), pod_labels_of(workload));
      });
}

/// By the name: between two lists the workload may have been stored anew.
bool uses(const Json& workload, const Json& part, const Surroundings& around) {
  const Subject subject(part, around);
  return std::ranges::any_of(subject.workloads(), [&](const Json* each) {
    return guarded::name_of(*each) == guarded::name_of(workload);
  });
}

/// Whether a ConfigMap loses the key by which `workload` mounts its configuration.
bool loses_key(const Json& workload,
               const Json& before,
               const Json& after,
               const Surroundings& around) {
  const MountedFile file = Subject(workload, around).config_file();
  return file.object == guarded::name_of(before) && !file.key.empty() &&
         member(before, {"data", file.key}).is_string() &&
         !member(after, {"data", file.key}).is_string();
}

}  // namespace

/// A Deployment makes the ReplicaSet anew, but its pods are gone by then.
void Inquiry::replica_set() {
  const bool scale = act_.subresource == "scale";
  const bool deletes = act_.operation == "DELETE";
  const std::int64_t before = guarded::replicas_of(act_.before, scale ? 0 : 1);
  const std::int64_t after = deletes ? 0 : guarded::replicas_of(act_.object, scale ? 0 : 1);
  const std::string owner = deletes ? "" : guarded::gained_owner(act_.before, act_.object);
  const Json* workload =
      workload_where([this](const Json& each) { return is_replica_set_of(act_.name, each); });
  if ((after >= before && owner.empty()) || guarded::is_leaving(act_.before) ||
      !concerns(workload) || guarded::is_leaving(*workload)) {
    return;
  }
  const char* const id = deletes || !owner.empty() ? "RG003" : "RG001";
  if (!looks(*workload)) {
    blind(id);
    return;
  }
  // It may end any of its pods, so each counts as one that goes.
  std::set<std::string> pods;
  for (const core::Member& each : sight_.view->members) {
    if (each.pod.name.starts_with(std::string(act_.name) + "-")) {
      pods.insert(each.pod.name);
    }
  }
  judge_departure(id, *workload, pods);
}

std::vector<const Json*> Inquiry::users_of(const Json& part) {
  std::vector<const Json*> users;
  const bool known = part.is_object() && !around_.blind();
  for (const Json* each : known ? Subject(part, around_).workloads() : std::vector<const Json*>{}) {
    // Who is told to want no pods needs nothing; who goes needs nothing any more.
    if (guarded::replicas_of(*each) > 0 && !guarded::is_leaving(*each) && concerns(each)) {
      users.push_back(each);
    }
  }
  answer_.concerned = !users.empty();
  answer_.ignored = answer_.ignored && users.empty();
  return users;
}

void Inquiry::loses_part(const Json& workload, std::string found) {
  const Kinds kind = kind_of(act_.before);
  const std::string name = guarded::name_of(workload);
  const std::string part = std::string(act_.name);
  if (kind == k_service && text(member(workload, {"spec", "serviceName"})) != part) {
    warn("RG007",
         std::move(found),
         "another way for its clients first",
         "clients that reach the cluster of " + name + " by " + part + " lose it");
    return;
  }
  refuse("RG007",
         guarded::is_allowed(act_.before) ? act_.before : workload,
         "/metadata/name",
         std::move(found),
         kind == k_config_map ? "pods of " + name + " mount " + part + ", and start no more without"
         : kind == k_service  ? "pods of " + name + " have their names by " + part
                              : part + " is the only budget of " + name);
}

void Inquiry::part_deletion() {
  if (guarded::is_leaving(act_.before)) {
    return;
  }
  for (const Json* workload : users_of(act_.before)) {
    const bool is_spare =
        kind_of(act_.before) == k_budget && has_other_budget(act_.before, *workload, around_);
    if (!is_spare) {
      loses_part(*workload, std::string(act_.name));
    }
    if (answer_.objection && answer_.objection->severity == RuleSeverity::error) {
      return;
    }
  }
}

void Inquiry::part_change() {
  const std::string owner = guarded::gained_owner(act_.before, act_.object);
  const Kinds kind = kind_of(act_.before);
  for (const Json* workload : users_of(act_.before)) {
    const bool spare = kind == k_budget && has_other_budget(act_.before, *workload, around_);
    const bool key =
        kind == k_config_map && loses_key(*workload, act_.before, act_.object, around_);
    const bool chosen = uses(*workload, act_.object, around_);
    if ((!owner.empty() || key || !chosen) && !spare) {
      loses_part(*workload,
                 !owner.empty() ? "the owner " + owner
                 : key          ? "no such key any more"
                                : "a selector for others");
    }
  }
  answer_.concerned = answer_.objection || answer_.overridden;
}

/// What is in a namespace is deleted by a controller, who passes: this is the last moment to ask.
void Inquiry::namespace_deletion() {
  if (around_.blind() || guarded::is_leaving(act_.before)) {
    return;
  }
  bool is_ours = false;
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    for (const Json* each : around_.list(kind, act_.name)) {
      if (guarded::is_leaving(*each) || !concerns(each)) {
        continue;
      }
      is_ours = true;
      if (!answer_.objection && holds_data(*each)) {
        refuse("RG008",
               guarded::is_allowed(act_.before) ? act_.before : *each,
               "/metadata/annotations/kubectl-redis.dev~1allow-delete",
               "nothing",
               guarded::name_of(*each) + " in " + std::string(act_.name) +
                   " holds a cluster's data; delete it first");
      }
    }
  }
  answer_.concerned = is_ours;
  answer_.ignored = answer_.ignored && !is_ours;
}

}  // namespace kredis::policy
