// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/delete/removal.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "plugin/operations/rbac/permissions.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/policy/names.hpp"

namespace kredis::plugin {
namespace {

/// In the order of removal: what serves clients and runs pods first, what pods read last.
constexpr std::array k_objects{
    "StatefulSet", "Deployment", "PodDisruptionBudget", "Service", "ConfigMap"};
constexpr std::array k_data{"PersistentVolumeClaim", "PersistentVolume"};

std::string selector_of(const std::string& name) {
  return "app.kubernetes.io/instance=" + name + ",app.kubernetes.io/managed-by=kubectl-redis";
}

/// Without the right to see volumes there is none to find; `create` could not have made one.
Result<std::vector<Json>> find_kind(ports::KubePort& kube,
                                    const std::string& kind,
                                    const std::string& namespace_,
                                    const std::string& name) {
  const ports::ResourcePath path = name_of(kind, namespace_, "").path;
  const auto list = kube.list(path, {.label_selector = selector_of(name)});
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

/// Looks again every few seconds: an object may have gone between a look and the watch.
Status wait_until_gone(ports::KubePort& kube, const ObjectName& object, ports::Deadline deadline) {
  ports::ResourcePath collection = object.path;
  collection.name.clear();
  const ports::ListOptions only{.field_selector = "metadata.name=" + object.path.name};
  while (!interrupted()) {
    const auto still = kube.get(object.path);
    if (!still) {
      return still.error().code == ErrorCode::not_found ? Status{} : Status{still.error()};
    }
    const auto pause = std::min(deadline, ports::Clock::now() + std::chrono::seconds(5));
    const Status watched = kube.watch(collection, only, pause, [](const ports::WatchEvent& event) {
      const bool gone = event.kind == ports::WatchEvent::Kind::deleted;
      return gone || interrupted() ? ports::WatchStep::stop : ports::WatchStep::go_on;
    });
    if (!watched && (watched.error().code != ErrorCode::timeout || pause == deadline)) {
      return watched.error();
    }
  }
  return Error::internal("interrupted");
}

Status wait_for_pods_to_go(ports::KubePort& kube,
                           const Removal& removal,
                           ports::Deadline deadline,
                           Progress& progress) {
  for (const ObjectName& object : removal.goes) {
    if (object.path.type.plural != "statefulsets" && object.path.type.plural != "deployments") {
      continue;
    }
    progress.line(object.to_text(), "waiting for its pods to end");
    if (const Status waited = wait_until_gone(kube, object, deadline); !waited) {
      return waited.error()
          .with_hint("it goes on in the background; kubectl get pods shows what is left")
          .while_doing("waiting for the pods of " + object.to_text() + " to end");
    }
  }
  return {};
}

/// Tells the webhook, if there is one, that the deletion is meant. Who may not write it and has no
/// webhook needs it not; with one, its refusal names the annotation. False when it may not be told.
bool allow_deletion(ports::KubePort& kube, const ObjectName& object, ports::DryRun dry_run) {
  if (object.path.type.plural != "statefulsets" && object.path.type.plural != "deployments") {
    return true;
  }
  const Json annotations = {{std::string(policy::k_allow_delete_annotation), "true"}};
  return kube.merge_patch(object.path, {{"metadata", {{"annotations", annotations}}}}, dry_run)
      .has_value();
}

/// A guard of the webhook that the removal itself gets past: by the mark, and as the pods are gone
/// before their claims. A dry run leaves neither.
bool is_own_guard(const Error& refusal) {
  const auto says = [&](const char* text) {
    return refusal.message.find(text) != std::string::npos;
  };
  return says("validate.kubectl-redis.dev") && (says("[RG004]") || says("[RG005]"));
}

Status remove_one(ports::KubePort& kube,
                  const ObjectName& object,
                  ports::DryRun dry_run,
                  Progress& progress) {
  const bool is_meant = allow_deletion(kube, object, dry_run);
  const auto removed =
      kube.remove(object.path, ports::Propagation::foreground, object.uid, dry_run);
  if (removed || removed.error().code == ErrorCode::not_found) {
    return {};
  }
  if (dry_run != ports::DryRun::no && is_meant && is_own_guard(removed.error())) {
    progress.line(object.to_text(), "guarded by the webhook, which is told that it is meant");
    return {};
  }
  return removed.error().while_doing("deleting " + object.to_text());
}

}  // namespace

Result<Removal> plan_removal(ports::KubePort& kube,
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
  std::vector<ObjectName>& data = keep == KeepData::yes ? removal.stays : removal.goes;
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
  removal.loses_data = !removal.goes.empty() && (keep == KeepData::no || ephemeral);
  if (removal.loses_data) {
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
    return std::ranges::none_of(removal.goes, [&](const ObjectName& object) {
      return object.path.type.plural == right.resource;
    });
  });
  return require_permissions(kube, needs_of(rights, namespace_, {}));
}

Status remove_objects(ports::KubePort& kube,
                      const Removal& removal,
                      ports::DryRun dry_run,
                      ports::Deadline deadline,
                      Progress& progress) {
  progress.begin(fmt::format("deleting {} objects", removal.goes.size()));
  for (const ObjectName& object : removal.goes) {
    KREDIS_CHECK(remove_one(kube, object, dry_run, progress));
    if (interrupted()) {
      return Error::internal("interrupted");
    }
  }
  if (dry_run == ports::DryRun::no) {
    KREDIS_CHECK(wait_for_pods_to_go(kube, removal, deadline, progress));
  }
  progress.done();
  return {};
}

}  // namespace kredis::plugin
