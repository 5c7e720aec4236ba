// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/locate.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "shared/core/labels.hpp"
#include "shared/observe/redis_process.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::observe {
namespace {

const ports::ResourceType k_stateful_sets{"apps/v1", "statefulsets"};
const ports::ResourceType k_deployments{"apps/v1", "deployments"};

Json::json_pointer pointer(const char* text) { return Json::json_pointer(text); }

/// Pods of what is called leader come before those of what is called follower: the order in which
/// placement prefers masters.
int rank_of(const Owner& owner) {
  const auto is_called = [&](std::string_view word) {
    return owner.name.find(word) != owner.name.npos;
  };
  if (is_called("leader") || is_called("master") || is_called("primary")) {
    return 0;
  }
  return is_called("follower") || is_called("replica") || is_called("slave") ? 2 : 1;
}

std::string instance_of(const Json& object) { return label_of(object, core::k_instance_label); }

/// "a=1,b=2" of a workload's selector. A Deployment of the Service & Deployment layout also selects
/// its own node; without that label the selector covers the whole cluster.
std::string selector_of(const Json& workload) {
  std::vector<std::string> parts;
  const Json labels = workload.value(pointer("/spec/selector/matchLabels"), Json::object());
  for (const auto& [key, value] : labels.items()) {
    if (key != core::k_ordinal_label) {
      parts.push_back(key + "=" + value.get<std::string>());
    }
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

Result<std::vector<Json>> items(ports::KubePort& kube,
                                const ports::ResourceType& type,
                                const std::string& namespace_,
                                const std::string& selector) {
  KREDIS_TRY(const Json list, kube.list({type, namespace_}, {.label_selector = selector}));
  return list.at("items").get<std::vector<Json>>();
}

ports::ResourceType type_of(const Owner& owner) {
  return owner.kind == "Deployment" ? k_deployments : k_stateful_sets;
}

bool can_be_read(const Owner& owner) {
  return owner.kind == "StatefulSet" || owner.kind == "Deployment";
}

/// The workload of that kind and name; null where there is none.
Result<Json> workload_named(ports::KubePort& kube,
                            const std::string& namespace_,
                            const Owner& owner) {
  auto found = kube.get({type_of(owner), namespace_, owner.name});
  if (!found && found.error().code == ErrorCode::not_found) {
    return Json();
  }
  return found;
}

/// The cluster of pods that `owners` make: described by the first owner that can be read, else by
/// the first pod. Requires: at least one pod.
Result<Located> located_of_pods(ports::KubePort& kube,
                                const std::vector<Json>& pods,
                                const std::vector<Owner>& owners) {
  const std::string namespace_ = text_at(pods.front(), "/metadata/namespace");
  for (const Owner& owner : owners) {
    if (!can_be_read(owner)) {
      continue;
    }
    KREDIS_TRY(const Json workload, workload_named(kube, namespace_, owner));
    if (!workload.is_null()) {
      return located_from(workload);
    }
  }
  return Located{.name = owners.front().name,
                 .namespace_ = namespace_,
                 .label_selector = {},
                 .owners = owners,
                 .workload = as_workload(pods.front())};
}

/// Each once, those first that are called so in the field.
std::vector<Owner> owners_of(const std::vector<Json>& pods) {
  std::vector<Owner> owners;
  for (const Json& pod : pods) {
    const Owner owner = owner_of(pod);
    if (std::ranges::find(owners, owner) == owners.end()) {
      owners.push_back(owner);
    }
  }
  std::ranges::stable_sort(owners, {}, rank_of);
  return owners;
}

/// Pods of what is called `name` and is no workload that we read: other kinds of sets, a bare pod.
Result<std::optional<Located>> locate_by_owner(ports::KubePort& kube,
                                               const std::string& namespace_,
                                               const std::string& name) {
  KREDIS_TRY(auto pods, items(kube, {"v1", "pods"}, namespace_, ""));
  std::erase_if(pods, [&](const Json& pod) { return owner_of(pod).name != name; });
  if (pods.empty()) {
    return std::optional<Located>();
  }
  KREDIS_TRY(Located located, located_of_pods(kube, pods, owners_of(pods)));
  return std::optional(std::move(located));
}

}  // namespace

bool Located::has(const Json& pod) const {
  return all_selected || std::ranges::find(owners, owner_of(pod)) != owners.end() ||
         (is_bare(pod) && !label_selector.empty());
}

std::vector<Owner> Located::all_owners() const {
  std::vector<Owner> all = owners;
  all.insert(all.end(), further.begin(), further.end());
  std::ranges::stable_sort(all, {}, rank_of);
  return all;
}

bool is_made_by_create(const Json& workload) {
  return label_of(workload, core::k_managed_by_label) == core::k_manager;
}

std::string maker_of(const Json& workload) {
  const std::string manager = label_of(workload, core::k_managed_by_label);
  return is_made_by_create(workload) ? "create" : manager.empty() ? "others" : manager;
}

Located located_from(const Json& workload) {
  const std::string name = workload.at("metadata").value("name", "");
  return {.name = is_made_by_create(workload) ? instance_of(workload) : name,
          .namespace_ = workload.at("metadata").value("namespace", ""),
          .label_selector = selector_of(workload),
          .owners = {owner_named_by(workload)},
          .workload = workload};
}

Located located_from(const std::vector<Json>& workloads) {
  Located located = located_from(workloads.front());
  located.owners.clear();
  for (const Json& workload : workloads) {
    located.owners.push_back(owner_named_by(workload));
  }
  return located;
}

Result<Located> locate(ports::KubePort& kube,
                       const std::string& namespace_,
                       const std::string& name) {
  const std::string ours = core::cluster_selector(name);
  for (const ports::ResourceType& type : {k_stateful_sets, k_deployments}) {
    KREDIS_TRY(const auto found, items(kube, type, namespace_, ours));
    if (!found.empty()) {
      return located_from(found);
    }
  }
  for (const Owner& owner : {Owner{"StatefulSet", name + "-app"},
                             Owner{"StatefulSet", name},
                             Owner{"Deployment", name}}) {
    KREDIS_TRY(const Json found, workload_named(kube, namespace_, owner));
    if (!found.is_null()) {
      return located_from(found);
    }
  }
  KREDIS_TRY(const auto other, locate_by_owner(kube, namespace_, name));
  if (other) {
    return *other;
  }
  return Error::not_found("there is no cluster " + name + " in namespace " + namespace_)
      .with_hint(
          "kubectl redis status -A lists the clusters that there are; kubectl redis create " +
          name + " makes one");
}

Result<Located> locate_by_selector(ports::KubePort& kube,
                                   const std::string& namespace_,
                                   const std::string& selector) {
  KREDIS_TRY(const auto pods, items(kube, {"v1", "pods"}, namespace_, selector));
  if (pods.empty()) {
    return Error::not_found("no pod in namespace " + namespace_ + " matches " + selector)
        .with_hint("kubectl get pods -n " + namespace_ + " --show-labels");
  }
  const std::vector<Owner> owners = owners_of(pods);
  KREDIS_TRY(Located located, located_of_pods(kube, pods, owners));
  located.namespace_ = namespace_;
  located.label_selector = selector;
  located.owners = owners;
  located.all_selected = true;
  return located;
}

Status check_told_apart(ports::KubePort& kube, const Located& located) {
  std::map<Json, Owner> seen;
  for (const Owner& owner : located.all_selected ? located.owners : std::vector<Owner>{}) {
    if (!can_be_read(owner)) {
      continue;
    }
    KREDIS_TRY(const Json workload, workload_named(kube, located.namespace_, owner));
    if (workload.is_null()) {
      continue;  // It went meanwhile.
    }
    const auto [other, is_new] =
        seen.emplace(workload.value(pointer("/spec/selector"), Json()), owner);
    if (!is_new) {
      return Error::conflict(other->second.to_text() + " and " + owner.to_text() +
                             " select the same pods, so that " + located.label_selector +
                             " may mean two clusters")
          .with_hint("name the one that is meant: kubectl redis init " + owner.name + " -n " +
                     located.namespace_);
    }
  }
  return {};
}

Result<Located> locate_by_pod(ports::KubePort& kube,
                              const std::string& namespace_,
                              const std::string& pod) {
  KREDIS_TRY(const Json found, kube.get({{"v1", "pods"}, namespace_, pod}));
  if (is_made_by_create(found) && !instance_of(found).empty()) {
    return locate(kube, namespace_, instance_of(found));
  }
  KREDIS_TRY(Located located, located_of_pods(kube, {found}, {owner_of(found)}));
  located.namespace_ = namespace_;
  return located;
}

namespace {

using MapsByNamespace = std::map<std::string, ConfigMaps>;

bool runs_a_cluster(ports::KubePort& kube, const Json& workload, MapsByNamespace& config_maps) {
  const std::string where = text_at(workload, "/metadata/namespace");
  ConfigMaps& maps = config_maps.try_emplace(where, kube, where).first->second;
  return policy::is_cluster_workload(workload, maps.surroundings());
}

/// What pods of other kinds of sets make, and bare pods, each by itself: who looks at one finds the
/// rest by gossip.
Status add_other_pods(ports::KubePort& kube,
                      const std::string& namespace_,
                      MapsByNamespace& config_maps,
                      std::vector<Located>& all) {
  std::map<std::pair<std::string, std::string>, std::vector<Json>> by_owner;
  KREDIS_TRY(auto pods, items(kube, {"v1", "pods"}, namespace_, ""));
  for (Json& pod : pods) {
    const Owner owner = owner_of(pod);
    if (!can_be_read(owner)) {
      by_owner[{text_at(pod, "/metadata/namespace"), owner.to_text()}].push_back(std::move(pod));
    }
  }
  for (const auto& [key, made] : by_owner) {
    if (runs_a_cluster(kube, as_workload(made.front()), config_maps)) {
      KREDIS_TRY(Located located, located_of_pods(kube, made, owners_of(made)));
      all.push_back(std::move(located));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Located>> locate_all(ports::KubePort& kube, const std::string& namespace_) {
  MapsByNamespace config_maps;
  std::map<std::pair<std::string, std::string>, std::vector<Json>> made;
  std::vector<Located> all;
  for (const ports::ResourceType& type : {k_stateful_sets, k_deployments}) {
    KREDIS_TRY(auto workloads, items(kube, type, namespace_, ""));
    for (Json& workload : workloads) {
      // Items of a list do not always carry theirs.
      workload["apiVersion"] = "apps/v1";
      workload["kind"] = type == k_deployments ? "Deployment" : "StatefulSet";
      const std::string where = text_at(workload, "/metadata/namespace");
      if (is_made_by_create(workload)) {
        // What has no instance is the webhook.
        if (const std::string name = instance_of(workload); !name.empty()) {
          made[{where, name}].push_back(std::move(workload));
        }
        continue;
      }
      if (runs_a_cluster(kube, workload, config_maps)) {
        all.push_back(located_from(workload));
      }
    }
  }
  for (const auto& [name, workloads] : made) {
    all.push_back(located_from(workloads));
  }
  KREDIS_CHECK(add_other_pods(kube, namespace_, config_maps, all));
  std::ranges::sort(
      all, {}, [](const Located& each) { return std::pair(each.namespace_, each.name); });
  return all;
}

}  // namespace kredis::observe
