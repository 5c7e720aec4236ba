// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/delete/removal.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "plugin/operations/rbac/permissions.hpp"
#include "shared/core/labels.hpp"

namespace kredis::plugin {
namespace {

/// In the order of removal: what serves clients and runs pods first, what pods read last.
constexpr std::array k_objects{
    "StatefulSet", "Deployment", "PodDisruptionBudget", "Service", "ConfigMap"};
constexpr std::array k_data{"PersistentVolumeClaim", "PersistentVolume"};

/// Without the right to see volumes there is none to find; `create` could not have made one.
Result<std::vector<Json>> find_kind(ports::KubePort& kube,
                                    const std::string& kind,
                                    const std::string& namespace_,
                                    const std::string& name) {
  const ports::ResourcePath path = path_of(name_of(kind, namespace_, ""));
  const auto list = kube.list(path, {.label_selector = core::cluster_selector(name)});
  if (list) {
    auto items = list->at("items").get<std::vector<Json>>();
    for (Json& item : items) {
      item["kind"] = kind;  // Items of a list do not always carry theirs.
    }
    return items;
  }
  if (path.namespace_.empty() && list.error().code == ErrorCode::unauthorized) {
    return std::vector<Json>{};
  }
  return list.error();
}

/// A volume of this cluster name in another namespace is somebody else's.
bool belongs_here(const Json& object, const std::string& namespace_) {
  const auto claim = Json::json_pointer("/spec/claimRef/namespace");
  return !object.contains(claim) || object.at(claim) == namespace_;
}

/// Whether `object` runs pods that keep their data in themselves.
bool runs_without_claims(const Json& object) {
  if (object.at("kind") == "StatefulSet") {
    return !object.contains(Json::json_pointer("/spec/volumeClaimTemplates"));
  }
  const Json::json_pointer path("/spec/template/spec/volumes");
  const Json volumes = object.contains(path) ? object.at(path) : Json::array();
  return object.at("kind") == "Deployment" &&
         std::none_of(volumes.begin(), volumes.end(), [](const Json& volume) {
           return volume.contains("persistentVolumeClaim");
         });
}

std::string loss_text(const Removal& removal, KeepData keep, std::size_t claims) {
  if (keep == KeepData::no) {
    return fmt::format("the data in {} claims would be lost for good", claims);
  }
  return "the pods keep their data in themselves (--ephemeral): all of it would be lost with " +
         removal.goes.front().to_text();
}

}  // namespace

Result<Removal> find_removal(ports::KubePort& kube,
                             const std::string& namespace_,
                             const std::string& name,
                             KeepData keep) {
  Removal removal;
  bool ephemeral = false;
  for (const char* kind : k_objects) {
    KREDIS_TRY(const auto found, find_kind(kube, kind, namespace_, name));
    for (const Json& object : found) {
      removal.goes.push_back(name_of(object));
      ephemeral |= runs_without_claims(object);
    }
  }
  std::vector<core::ObjectName>& data = keep == KeepData::yes ? removal.stays : removal.goes;
  std::size_t claims = 0;
  for (const char* kind : k_data) {
    KREDIS_TRY(const auto found, find_kind(kube, kind, namespace_, name));
    for (const Json& object : found) {
      if (belongs_here(object, namespace_)) {
        data.push_back(name_of(object));
        claims += object.at("kind") == "PersistentVolumeClaim" ? 1U : 0U;
      }
    }
  }
  // Asked for, it is always confirmed: claims that do not show yet may be there a moment later.
  if (!removal.goes.empty() && (keep == KeepData::no || ephemeral)) {
    removal.loss = loss_text(removal, keep, claims);
  }
  return removal;
}

Status require_removal_rights(ports::KubePort& kube,
                              const std::string& namespace_,
                              const Removal& removal) {
  std::vector<Right> rights =
      rights_of("delete", {Case::statefulset, Case::deployment, Case::purge_data, Case::nfs});
  std::erase_if(rights, [&](const Right& right) {
    return std::ranges::none_of(removal.goes, [&](const core::ObjectName& object) {
      return object.plural == right.resource;
    });
  });
  return require_permissions(kube, needs_of(rights, namespace_, {}));
}

core::Plan plan_removal(const Removal& removal) {
  const std::string title = fmt::format("deleting {} objects", removal.goes.size());
  core::Stage stage{.title = title, .done = title};
  for (const core::ObjectName& object : removal.goes) {
    stage.steps.push_back({.what = core::DeleteObject{.object = object,
                                                      .cascade = core::Cascade::foreground,
                                                      .guard = core::Guarded::told},
                           .risk = removal.loss.empty() ? core::Risk::none : core::Risk::data,
                           .cost = removal.loss});
  }
  for (const core::ObjectName& object : removal.goes) {
    if (object.runs_pods()) {
      stage.steps.push_back({.what = core::WaitFor{core::Gone{object}}, .reason = "its pods end"});
    }
  }
  return {.stages = {std::move(stage)}};
}

}  // namespace kredis::plugin
