// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/locate.hpp"

#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "shared/core/labels.hpp"

namespace kredis::observe {
namespace {

const ports::ResourceType k_stateful_sets{"apps/v1", "statefulsets"};
const ports::ResourceType k_deployments{"apps/v1", "deployments"};

Json::json_pointer pointer(const char* text) { return Json::json_pointer(text); }

std::string instance_of(const Json& object) { return label_of(object, core::k_instance_label); }

bool is_ours(const Json& object) {
  return label_of(object, core::k_managed_by_label) == core::k_manager;
}

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

/// The StatefulSet that owns `pod`; empty when something else does.
std::string owner_of(const Json& pod) {
  for (const Json& owner : pod.value(pointer("/metadata/ownerReferences"), Json::array())) {
    if (owner.value("kind", "") == "StatefulSet") {
      return owner.value("name", "");
    }
  }
  return {};
}

}  // namespace

Located located_from(const Json& workload) {
  const std::string name = workload.at("metadata").value("name", "");
  return {.name = is_ours(workload) ? instance_of(workload) : name,
          .namespace_ = workload.at("metadata").value("namespace", ""),
          .label_selector = selector_of(workload),
          .workload = workload};
}

Result<Located> locate(ports::KubePort& kube,
                       const std::string& namespace_,
                       const std::string& name) {
  const std::string ours = core::cluster_selector(name);
  for (const ports::ResourceType& type : {k_stateful_sets, k_deployments}) {
    KREDIS_TRY(const auto found, items(kube, type, namespace_, ours));
    if (!found.empty()) {
      return located_from(found.front());
    }
  }
  for (const std::string& candidate : {name + "-app", name}) {
    const auto found = kube.get({k_stateful_sets, namespace_, candidate});
    if (found) {
      return located_from(*found);
    }
    if (found.error().code != ErrorCode::not_found) {
      return found.error();
    }
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
  std::set<std::string> owners;
  for (const Json& pod : pods) {
    owners.insert(owner_of(pod));
  }
  if (owners.size() > 1) {
    return Error::conflict(fmt::format("{} matches pods of several workloads: {}",
                                       selector,
                                       fmt::join(owners, ", ")))
        .with_hint("narrow the selector to the pods of one cluster");
  }
  Located located{.name = pods.front().at("metadata").value("name", ""),
                  .namespace_ = namespace_,
                  .label_selector = selector};
  if (!owners.begin()->empty()) {
    KREDIS_TRY(located.workload, kube.get({k_stateful_sets, namespace_, *owners.begin()}));
    located.name = located_from(located.workload).name;
  }
  return located;
}

Result<Located> locate_by_pod(ports::KubePort& kube,
                              const std::string& namespace_,
                              const std::string& pod) {
  KREDIS_TRY(const Json found, kube.get({{"v1", "pods"}, namespace_, pod}));
  if (is_ours(found) && !instance_of(found).empty()) {
    return locate(kube, namespace_, instance_of(found));
  }
  const std::string owner = owner_of(found);
  if (!owner.empty()) {
    return locate(kube, namespace_, owner);
  }
  return Located{.name = pod, .namespace_ = namespace_};
}

Result<std::vector<Located>> locate_all(ports::KubePort& kube, const std::string& namespace_) {
  std::vector<Located> all;
  std::set<std::pair<std::string, std::string>> seen;
  for (const ports::ResourceType& type : {k_stateful_sets, k_deployments}) {
    for (const std::string& selector :
         {core::managed_selector(), std::string(core::k_article_label)}) {
      KREDIS_TRY(const auto found, items(kube, type, namespace_, selector));
      for (const Json& workload : found) {
        Located located = located_from(workload);
        const bool webhook = instance_of(workload).empty() && is_ours(workload);
        if (!webhook && seen.emplace(located.namespace_, located.name).second) {
          all.push_back(std::move(located));
        }
      }
    }
  }
  return all;
}

}  // namespace kredis::observe
